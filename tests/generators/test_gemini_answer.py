"""Whatever Gemini answers is a picture, or a reject with its code and its remedy; all of it is paid for."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from google.genai.types import BlockedReason, FinishReason

from data.errors import (
    ConfigError,
    SampleRejected,
)
from data.paid import Usage
from generators.gemini import GeminiImages
from generators.gemini_answer import (
    BLOCK_REMEDIES,
    FINISH_REMEDIES,
    Answer,
    picture_file,
    read_answer,
    usage_of,
)
from tests.generators.asking_gemini import _key as _key
from tests.generators.asking_gemini import backend as backend
from tests.generators.asking_gemini import (
    failure,
    image,
    reference_request,
    rejection,
)
from tests.generators.asking_gemini import gateway as gateway
from tests.generators.asking_gemini import server as server
from tests.generators.plans import plan_of
from tests.paid import PlainGateway
from tests.protocol.gemini_server import (
    GeminiServer,
    Outcome,
)


def answer_with(*files: tuple[bytes, bool]) -> Answer:
    """An answer with these files, each a sketch or not."""
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(file).decode()}, "thought": thought}
        for file, thought in files
    ]
    return read_answer(json.dumps({"candidates": [{"content": {"parts": parts}}]}).encode())


def answer_of(data: str) -> Answer:
    part = {"inlineData": {"mimeType": "image/png", "data": data}}
    return read_answer(json.dumps({"candidates": [{"content": {"parts": [part]}}]}).encode())


@pytest.mark.parametrize("reason", FINISH_REMEDIES)
def test_each_finish_reason_has_its_code_and_its_remedy(
    server: GeminiServer, backend: GeminiImages, reason: str
) -> None:
    server.answer_next(Outcome(finish_reason=reason))
    rejected = rejection(backend)

    assert rejected.reason == reason.lower()
    assert rejected.remedy == FINISH_REMEDIES[reason]
    assert plan_of().triplet_id in rejected.detail


@pytest.mark.parametrize("reason", BLOCK_REMEDIES)
def test_each_block_reason_has_its_code_and_its_remedy(
    server: GeminiServer, backend: GeminiImages, reason: str
) -> None:
    server.answer_next(Outcome(block_reason=reason))
    rejected = rejection(backend)

    assert rejected.reason == f"prompt_{reason.lower()}"
    assert rejected.remedy == BLOCK_REMEDIES[reason] != "again"


def test_the_policies_are_the_ones_agreed() -> None:
    assert {FINISH_REMEDIES[reason] for reason in ("NO_IMAGE", "IMAGE_OTHER", "MAX_TOKENS")} == {"again"}
    rewritten = ("IMAGE_SAFETY", "IMAGE_RECITATION", "SAFETY", "RECITATION")
    assert {FINISH_REMEDIES[reason] for reason in rewritten} == {"rewrite"}
    forbidden = ("IMAGE_PROHIBITED_CONTENT", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII")
    assert {FINISH_REMEDIES[reason] for reason in forbidden} == {"none"}


def test_the_tables_know_every_reason_of_the_sdk_that_can_come() -> None:
    of_tools = {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"}
    elsewhere = of_tools | {
        "STOP",
        "FINISH_REASON_UNSPECIFIED",
        "MISSING_THOUGHT_SIGNATURE",
        "PUP_LIMITED_DISABLED",
        "CONTINUATION",
    }
    assert {reason.value for reason in FinishReason} - elsewhere <= set(FINISH_REMEDIES)
    assert {reason.value for reason in BlockedReason} == set(BLOCK_REMEDIES)


def test_a_reason_of_tomorrow_is_asked_again_under_its_own_name(
    server: GeminiServer, backend: GeminiImages
) -> None:
    server.answer_next(Outcome(finish_reason="IMAGE_BORING"))
    rejected = rejection(backend)

    assert (rejected.reason, rejected.remedy) == ("image_boring", "again")


def test_a_barred_account_stops_the_run(server: GeminiServer, backend: GeminiImages) -> None:
    server.answer_next(Outcome(finish_reason="PUP_LIMITED_DISABLED"))

    assert "account is limited" in failure(backend, ConfigError)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome(words="Here is your picture!"), "text_without_image"),
        (Outcome(cut="base64"), "image_unreadable"),
        (Outcome(cut="file"), "image_unreadable"),
        (Outcome(cut="file", file="JPEG"), "image_unreadable"),
        (Outcome(file="GIF", size_px=(64, 64)), "image_format"),
        (Outcome(file="SVG"), "image_format"),
        (Outcome(size_px=(31, 40)), "image_too_small"),
    ],
)
def test_a_spoiled_picture_is_a_reject_that_was_paid_for(
    server: GeminiServer, backend: GeminiImages, gateway: PlainGateway, outcome: Outcome, reason: str
) -> None:
    server.answer_next(outcome)
    rejected = rejection(backend)

    assert (rejected.reason, rejected.remedy) == (reason, "again")
    assert len(gateway.replies) == len(server.billed) == 1


def test_a_sketch_on_the_way_is_not_the_picture(server: GeminiServer, backend: GeminiImages) -> None:
    plain = image(backend, reference_request())
    server.answer_next(Outcome(sketch_first=True))

    assert np.array_equal(image(backend, reference_request(seed=2)), plain)


@pytest.mark.parametrize(
    ("thoughts", "chosen"),
    [((False, False), b"second"), ((True, False), b"second"), ((False, True), b"first")],
)
def test_of_several_pictures_the_last_that_is_no_sketch_counts(
    thoughts: tuple[bool, bool], chosen: bytes
) -> None:
    files = (b"first", b"second")
    assert picture_file(answer_with(*zip(files, thoughts, strict=True)), "t-1") == chosen


def test_both_alphabets_of_base64_are_read_and_nothing_else() -> None:
    file = bytes(range(256))
    for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
        assert picture_file(answer_of(encode(file).decode()), "t-1") == file
    with pytest.raises(SampleRejected, match="image_unreadable"):
        picture_file(answer_of("AAAA*AAAA"), "t-1")


def test_an_answer_without_anything_is_asked_again() -> None:
    with pytest.raises(SampleRejected) as rejected:
        picture_file(read_answer(b"{}"), "t-1")
    assert (rejected.value.reason, rejected.value.remedy) == ("empty_answer", "again")


def test_thoughts_and_cached_input_are_counted_where_they_belong() -> None:
    counts = {
        "promptTokenCount": 300,
        "cachedContentTokenCount": 200,
        "candidatesTokenCount": 1300,
        "candidatesTokensDetails": [
            {"modality": "IMAGE", "tokenCount": 1290},
            {"modality": "TEXT", "tokenCount": 10},
        ],
        "thoughtsTokenCount": 50,
    }
    answer = read_answer(json.dumps({"usageMetadata": counts, "somethingNew": {"a": 1}}).encode())

    assert usage_of(answer, Usage()) == Usage(input=300, cached_input=200, output=60, image_output=1290)

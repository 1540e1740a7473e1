"""The real SDK asks a local server that speaks Gemini's protocol for pictures."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from io import BytesIO
from typing import Literal

import numpy as np
import pytest
from PIL import Image as Pillow

from data.errors import (
    BackendUnavailable,
    ContractError,
)
from data.paid import Call, Reply, Send
from data.schema import Role
from generators.base import ImageRequest
from generators.config import GeminiConfig
from generators.gemini import GeminiImages
from moments.alignment import judge_edit
from tests.generators.asking_gemini import (
    FORMAT,
    image,
    opened,
    positive_request,
    reference_request,
    rejection,
)
from tests.generators.asking_gemini import _key as _key
from tests.generators.asking_gemini import backend as backend
from tests.generators.asking_gemini import gateway as gateway
from tests.generators.asking_gemini import server as server
from tests.generators.plans import plan_of
from tests.paid import PlainGateway
from tests.protocol.gemini_server import (
    MODEL,
    OVERLOADED,
    GeminiServer,
    Outcome,
    drawn,
)
from tests.protocol.server import Fault


def test_a_reference_is_drawn_from_the_base_prompt(server: GeminiServer, backend: GeminiImages) -> None:
    made = image(backend, reference_request())

    expected = drawn(plan_of().prompts.base).resize((64, 64), Pillow.Resampling.LANCZOS)
    assert made.dtype == np.uint8
    assert np.array_equal(made, np.array(expected))
    (asked,) = server.requests
    assert asked.path == f"/v1beta/models/{MODEL}:generateContent"
    assert json.loads(asked.body) == {
        "contents": [{"role": "user", "parts": [{"text": plan_of().prompts.base}]}],
        "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "1:1"}},
    }


def test_a_positive_is_an_edit_of_the_very_reference(server: GeminiServer, backend: GeminiImages) -> None:
    source = image(backend, reference_request())
    made = image(backend, positive_request(source))

    sent, words = json.loads(server.requests[-1].body)["contents"][0]["parts"]
    file = base64.b64decode(sent["inlineData"]["data"].translate(str.maketrans("-_", "+/")))
    assert np.array_equal(np.array(Pillow.open(BytesIO(file))), source)
    assert words == {"text": plan_of().prompts.modification}
    assert judge_edit("scene_style", source, made).reasons == ()


def test_pictures_come_in_the_order_of_their_requests(backend: GeminiImages) -> None:
    plans = [plan_of(seed=seed) for seed in range(3)]
    plans = [
        replace(plan, prompts=replace(plan.prompts, base=f"scene {index}"))
        for index, plan in enumerate(plans)
    ]
    made = backend.images([ImageRequest(plan, Role.REFERENCE, FORMAT, 1) for plan in plans])

    for index, picture in enumerate(made):
        expected = drawn(f"scene {index}").resize((64, 64), Pillow.Resampling.LANCZOS)
        assert np.array_equal(picture, np.array(expected))


@pytest.mark.parametrize("file", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size_px", [(1024, 1024), (1184, 864), (96, 64)])
def test_whatever_comes_is_squared(
    server: GeminiServer,
    backend: GeminiImages,
    file: Literal["PNG", "JPEG", "WEBP"],
    size_px: tuple[int, int],
) -> None:
    server.answer_next(Outcome(size_px=size_px, file=file))

    assert image(backend, reference_request()).shape == (64, 64, 3)


def test_the_books_hold_what_the_vendor_billed(
    server: GeminiServer, backend: GeminiImages, gateway: PlainGateway
) -> None:
    source = image(backend, reference_request())
    image(backend, positive_request(source))
    server.answer_next(
        Outcome(words="I cannot draw that."), Outcome("IMAGE_SAFETY"), Outcome(block_reason="OTHER")
    )
    for seed in (2, 3, 4):
        rejection(backend, reference_request(seed))

    replies = list(gateway.replies.values())
    assert [reply.usage for reply in replies] == [billed.usage for billed in server.billed]
    assert [reply.response_id for reply in replies] == [billed.response_id for billed in server.billed]
    assert [billed.idempotency_key for billed in server.billed] == [f"test-{n}" for n in range(1, 6)]
    assert [call.purpose for call in gateway.calls[:2]] == ["reference_image", "positive_image"]
    assert server.billed[2].usage.output > 1000, "words instead of a picture are paid for"


def test_a_server_that_does_not_count_is_booked_as_expected(
    server: GeminiServer, backend: GeminiImages, gateway: PlainGateway
) -> None:
    server.answer_next(Outcome(counted=False))
    image(backend, reference_request())

    (reply,) = gateway.replies.values()
    assert reply.usage == gateway.calls[0].expected == backend.facts.demand[0].usage


def test_the_reply_keeps_the_answer_as_it_came(backend: GeminiImages, gateway: PlainGateway) -> None:
    made = image(backend, reference_request())

    (reply,) = gateway.replies.values()
    part = json.loads(reply.body)["candidates"][0]["content"]["parts"][0]
    again = Pillow.open(BytesIO(base64.b64decode(part["inlineData"]["data"])))
    assert np.array_equal(np.array(again.resize((64, 64), Pillow.Resampling.LANCZOS)), made)


def test_only_what_changes_the_picture_changes_the_key(
    server: GeminiServer, backend: GeminiImages, gateway: PlainGateway
) -> None:
    source = np.zeros((64, 64, 3), np.uint8)
    other = replace(plan_of(), prompts=replace(plan_of().prompts, base="another scene"))
    different = [
        reference_request(),
        reference_request(seed=2),
        replace(reference_request(), plan=other),
        positive_request(source),
        positive_request(source + 1),
    ]
    same = [
        reference_request(size_px=32),
        replace(reference_request(), plan=replace(plan_of(), triplet_id="x")),
    ]
    for request in different + same:
        image(backend, request)

    keys = [call.key for call in gateway.calls]
    assert len(set(keys)) == len(different)
    assert keys[5] == keys[6] == keys[0]
    assert len(server.requests) == len(different), "what was paid for is not asked again"


def test_the_machines_cloud_settings_turn_nothing_elsewhere(
    server: GeminiServer, gateway: PlainGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE"):
        monkeypatch.setenv(variable, "true")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "somewhere")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west4")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v9")
    monkeypatch.setenv("GOOGLE_API_KEY", "another")
    image(opened(server.url, gateway), reference_request())

    assert server.requests[0].path == f"/v1beta/models/{MODEL}:generateContent"


def test_a_check_costs_nothing(server: GeminiServer, backend: GeminiImages) -> None:
    backend.check()

    assert [request.path for request in server.requests] == [f"/v1beta/models/{MODEL}"]
    assert not server.billed


def test_a_dribbling_answer_is_whole(server: GeminiServer, backend: GeminiImages) -> None:
    server.fail_next(Fault("dribble"))

    assert image(backend, reference_request()).shape == (64, 64, 3)


def test_a_picture_is_asked_only_for_roles_that_have_one(backend: GeminiImages) -> None:
    source = np.zeros((64, 64, 3), np.uint8)
    for role, given in ((Role.NEGATIVE, None), (Role.POSITIVE, None), (Role.REFERENCE, source)):
        with pytest.raises(ContractError):
            image(backend, ImageRequest(plan_of(), role, FORMAT, 1, given))


def test_the_gateway_alone_decides_how_often_is_tried(server: GeminiServer) -> None:
    class Twice(PlainGateway):
        def ask(self, call: Call, send: Send) -> Reply:
            try:
                return send("first")
            except BackendUnavailable:
                return send("second")

    server.fail_next(OVERLOADED)
    image(opened(server.url, Twice()), reference_request())

    assert [request.headers["x-idempotency-key"] for request in server.requests] == ["first", "second"]


def test_facts_cost_nothing_and_state_the_demand() -> None:
    facts = GeminiImages(GeminiConfig(), PlainGateway()).facts

    assert MODEL in facts.revision
    assert facts.ai_generated
    assert [demand.purpose for demand in facts.demand] == ["reference_image", "positive_image"]
    assert all(demand.usage.image_output == 1290 for demand in facts.demand)
    assert facts.demand[1].usage.input > facts.demand[0].usage.input

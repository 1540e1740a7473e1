"""Alike scenes are found, all of them and no others, and the first one keeps its words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.schema import Category, Prompts
from prompts.config import OpenAIConfig
from prompts.duplicates import THRESHOLD, near_duplicates
from prompts.openai_writer import OpenAIWriter
from prompts.sampling import draw_drafts
from prompts.writer import WriteRequest
from tests.paid import PlainGateway
from tests.protocol.openai_server import KEY, OpenAIServer

SCENE = (
    "A photograph of a quiet street in soft daylight, a wide shot from the side. A brown dog stands still "
    "on the wet pavement, visible as a whole, and a few barrels stand in front of the wall behind it."
)


def prompts(base: str) -> Prompts:
    return Prompts(base=base, modification="m", motion="v", negative_motion="n")


def found(*bases: str, threshold: float = THRESHOLD) -> list[tuple[str, str]]:
    triplets = {f"t{index}": prompts(base) for index, base in enumerate(bases)}
    return [(one.triplet_id, one.of) for one in near_duplicates(triplets, threshold)]


def test_case_signs_and_spaces_do_not_make_a_text_new() -> None:
    assert found(SCENE, SCENE.upper().replace(",", " -")) == [("t1", "t0")]


def test_one_other_word_does_not_make_a_scene_new() -> None:
    assert found(SCENE, SCENE.replace("brown", "black")) == [("t1", "t0")]


def test_another_subject_place_and_background_do() -> None:
    other = (
        SCENE.replace("quiet street", "sandy beach")
        .replace("brown dog", "large robot")
        .replace("a few barrels stand", "a long fence runs")
    )
    assert found(SCENE, other) == []


def test_the_first_keeps_its_words_and_later_ones_are_told_which_they_resemble() -> None:
    (first, second) = near_duplicates({name: prompts(SCENE) for name in ("a", "b", "c")})
    assert (first.triplet_id, first.of, first.similarity) == ("b", "a", 1.0)
    assert (second.triplet_id, second.of) == ("c", "a")
    assert SCENE in first.objection


def test_only_the_scene_counts() -> None:
    texts = {"a": prompts("A dog in a meadow."), "b": prompts("A door on a plaza.")}
    assert near_duplicates(texts) == ()


def test_a_text_that_is_like_a_rewritten_one_alone_may_stay() -> None:
    # Each step changes one word in three: neighbours are alike, the first and the last are not.
    assert found("a b c d e f g h", "a b c d e f g x", "y b c d e f g x", threshold=0.7) == [("t1", "t0")]


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))}


@given(
    texts=st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=9).map(" ".join), max_size=12),
    threshold=st.sampled_from([0.2, 0.5, 0.7, 0.8, 1.0]),
)
def test_nothing_is_missed_against_comparing_all_with_all(texts: list[str], threshold: float) -> None:
    expected: list[tuple[int, float]] = []
    keepers: list[int] = []
    for index, text in enumerate(texts):
        own = shingles(text)
        closeness = [(len(own & shingles(texts[k])) / len(own | shingles(texts[k])), -k) for k in keepers]
        best = max(closeness, default=(0.0, 0))
        if best[0] >= threshold:
            expected.append((index, best[0]))
        else:
            keepers.append(index)
    triplets = {str(index): prompts(text) for index, text in enumerate(texts)}
    assert [(int(d.triplet_id), d.similarity) for d in near_duplicates(triplets, threshold)] == expected


def test_a_text_that_just_reaches_the_threshold_is_not_lost_to_rounding() -> None:
    words = [f"w{number:02}" for number in range(27)]
    # 25 shingles and 14 of them: 0.56 exactly, though 0.56 * 25 is a little more than 14 to a computer.
    assert 0.56 * 25 > 14
    assert found(" ".join(words), " ".join(words[:16]), threshold=0.56) == [("t1", "t0")]


def test_an_empty_run_has_no_duplicates() -> None:
    assert near_duplicates({}) == ()


def test_a_duplicate_is_rewritten_by_its_objection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    drafts = {draft.triplet_id: draft for draft in draw_drafts((Category.VIEW,), 4, seed=0)}
    with OpenAIServer() as server:
        writer = OpenAIWriter(OpenAIConfig(base_url=server.base_url), PlainGateway())
        writer.open()
        written: dict[str, Prompts] = {}
        for position, (triplet_id, draft) in enumerate(drafts.items()):
            if position == 2:
                server.misbehave("duplicate")
            (outcome,) = writer.write([WriteRequest(draft)])
            assert isinstance(outcome, Prompts)
            written[triplet_id] = outcome
        (duplicate,) = near_duplicates(written)
        assert (duplicate.triplet_id, duplicate.of) == ("view_0002", "view_0001")
        again = WriteRequest(drafts[duplicate.triplet_id], 1, (duplicate.objection,))
        (outcome,) = writer.write([again])
        assert isinstance(outcome, Prompts)
        assert near_duplicates(written | {duplicate.triplet_id: outcome}) == ()

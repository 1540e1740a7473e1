"""What a person said is read out of a result, or the result is refused; the page decides nothing itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.items import Kind, Slot
from annotation.pages import candidate_id, label_config
from annotation.results import Faulty, Result, parsed
from annotation.study import Study

SLOT = Slot("s1", "item", ("bb", "aa"))


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Study]:
    made: dict[Kind, Study] = {}
    kinds: tuple[Kind, ...] = ("ranking", "check", "preference")
    for kind in kinds:
        made[kind] = Study(tmp_path_factory.mktemp(kind) / "study", create=True)
        made[kind].note("page", {"kind": kind, "question": "", "label_config": label_config(kind)})
    return made


def chosen(**choices: str) -> list[dict[str, Any]]:
    return [{"from_name": name, "value": {"choices": [word]}} for name, word in choices.items()]


@pytest.mark.parametrize(
    ("a", "b", "order"),
    [
        ("yes", "no", (("bb",), ("aa",))),
        ("no", "yes", (("aa",), ("bb",))),
        ("unsure", "yes", (("aa",), ("bb",))),
        ("unsure", "no", (("bb",), ("aa",))),
        ("no", "no", (("aa", "bb"),)),
    ],
)
def test_of_each_clip_is_known_what_was_said_of_it(
    studies: dict[Kind, Study], a: str, b: str, order: tuple[tuple[str, ...], ...]
) -> None:
    result = parsed(studies["check"], SLOT, chosen(a=a, b=b))
    assert result == Result("ranked", order, (("aa", b), ("bb", a)))  # type: ignore[arg-type]


@pytest.mark.parametrize("choices", [{"a": "does_not_play", "b": "yes"}, {"b": "does_not_play"}])
def test_a_clip_that_does_not_play_is_no_judgement(
    studies: dict[Kind, Study], choices: dict[str, str]
) -> None:
    assert parsed(studies["check"], SLOT, chosen(**choices)) == Result("does_not_play", (), ())


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a", Result("ranked", (("bb",), ("aa",)))),
        ("b", Result("ranked", (("aa",), ("bb",)))),
        ("no_difference", Result("ranked", (("aa", "bb"),))),
        ("does_not_play", Result("does_not_play")),
    ],
)
def test_a_preference_is_of_the_clip_and_not_of_the_place(
    studies: dict[Kind, Study], word: str, expected: Result
) -> None:
    assert parsed(studies["preference"], SLOT, chosen(better=word)) == expected


@pytest.mark.parametrize(
    ("kind", "result", "fault"),
    [
        ("check", chosen(a="yes"), "incomplete"),
        ("check", [], "incomplete"),
        ("check", chosen(a="yes", b="perhaps"), "malformed"),
        ("check", [{"from_name": "a", "value": {"choices": ["yes", "no"]}}], "malformed"),
        ("preference", [], "malformed"),
        ("preference", chosen(better="left"), "malformed"),
        ("preference", chosen(a="yes", b="no"), "malformed"),
        ("ranking", chosen(status="ranked"), "incomplete"),
        ("ranking", chosen(better="a"), "malformed"),
    ],
)
def test_what_the_page_cannot_have_sent_is_refused(
    studies: dict[Kind, Study], kind: Kind, result: list[dict[str, Any]], fault: str
) -> None:
    with pytest.raises(Faulty) as refused:
        parsed(studies[kind], SLOT, result)
    assert refused.value.fault == fault


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["a", "b", "yes", "ranked", "status", "better"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["from_name", "value", "choices", "ranker", "ranking"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(["ranking", "check", "preference"]), json_values)
def test_no_json_makes_reading_fall_over(studies: dict[Kind, Study], kind: Kind, result: Any) -> None:
    """The server takes any JSON from any account."""
    try:
        found = parsed(studies[kind], SLOT, result)
    except Faulty:
        return
    assert found.verdict == "does_not_play" or {clip for tied in found.order for clip in tied} <= set(
        SLOT.shown
    )


def test_a_ranking_is_read_by_the_names_of_its_slot(studies: dict[Kind, Study]) -> None:
    study = studies["ranking"]
    names = [candidate_id(study, SLOT, clip) for clip in ("aa", "bb")]
    placed = {"from_name": "order", "value": {"ranker": {"_": [], "ranking": names}}}
    result = [*chosen(status="ranked"), placed]
    assert parsed(study, SLOT, result) == Result("ranked", (("aa",), ("bb",)))
    placed["value"] = {"ranker": {"_": [], "ranking": ["c0", names[0]]}}
    with pytest.raises(Faulty) as refused:
        parsed(study, SLOT, result)
    assert refused.value.fault == "foreign_clips"


def test_a_study_without_a_kind_is_of_rankings(tmp_path: Path) -> None:
    study = Study(tmp_path / "study", create=True)
    study.note("page", {"label_config": "<View/>"})
    assert (Study(study.folder).kind, Study(study.folder).question) == ("ranking", "")

"""Money by purpose, provider and fate: each division adds up to the whole."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.paid import Usage
from data.schema import Category, Reject
from flows.calls import Books, Intent, Outcome, PaidCall, attempt_of, bill, read
from flows.money import money
from tests.flows.paid_calls import paid_call


def reject(item: str, attempt: int, reason: str, stage: str = "verdict") -> Reject:
    return Reject(item, Category.VIEW, attempt, 1, stage, "rejected", reason, "", {})


def spend(books: Books, purpose: str, item: str, usd: float, provider: str = "google") -> None:
    call = paid_call(f"{purpose} {item} {usd}", provider, purpose, item)
    (intent,) = books.intend([(call, usd)])
    books.paid(intent, Usage(input=1), usd, call.key)


def test_no_calls_no_money() -> None:
    assert money([], [], []) is None


def test_what_rejected_attempts_cost_is_told_by_their_reason(tmp_path: Path) -> None:
    books = Books(tmp_path / "calls.jsonl")
    spend(books, "write", "view_0000", 1.0, "openai")
    with attempt_of(0):
        spend(books, "reference_image", "view_0000", 2.0)
        spend(books, "positive_image", "view_0000", 4.0)
        spend(books, "reference_image", "view_0001", 8.0)
    with attempt_of(1):
        spend(books, "reference_image", "view_0000", 16.0)
        spend(books, "reference_image", "view_0001", 32.0)
    with attempt_of(0):
        spend(books, "reference_image", "view_0002", 64.0)
        books.intend([(paid_call("under way", "google", "positive_image", "view_0002"), 0.5)])
    rejects = [reject("view_0000", 0, "static"), reject("view_0001", 0, "image_safety")]
    found = money(read(tmp_path / "calls.jsonl"), [("view_0000", 1), ("view_0001", 1)], rejects)
    assert found is not None
    assert {row.name: row.bill.paid_usd for row in found.by_fate} == {
        "open": 64.0,
        "accepted": 48.0,
        "image_safety": 8.0,
        "static": 6.0,
        "prompts": 1.0,
    }
    assert [row.name for row in found.by_fate][:2] == ["open", "accepted"]  # the dearest first
    assert found.by_fate[0].bill.possibly_usd == 0.5
    assert found.rejected_usd == 14.0
    assert {row.name: row.bill.paid_usd for row in found.by_purpose} == {
        "reference_image": 122.0,
        "positive_image": 4.0,
        "write": 1.0,
    }
    assert {row.name: row.bill.paid_usd for row in found.by_provider} == {
        "google gemini-2.5-flash-image": 126.0,
        "openai gpt-4.1": 1.0,
    }
    assert found.total.sent == 8


def test_words_of_a_triplet_that_got_no_prompts_are_told_by_the_reason(tmp_path: Path) -> None:
    books = Books(tmp_path / "calls.jsonl")
    spend(books, "write", "view_0000", 1.0, "openai")
    spend(books, "write", "view_0001", 2.0, "openai")
    spend(books, "critique", "view_0001", 4.0, "openai")
    with attempt_of(0):
        spend(books, "reference_image", "view_0001", 8.0)
    rejects = [reject("view_0001", 0, "image_safety"), reject("view_0001", 0, "prompt_refused", "plan")]
    found = money(read(tmp_path / "calls.jsonl"), [], rejects)
    assert found is not None
    assert {row.name: row.bill.paid_usd for row in found.by_fate} == {
        "image_safety": 8.0,
        "prompt_refused": 6.0,
        "prompts": 1.0,
    }
    assert found.rejected_usd == 14.0


calls = st.builds(
    lambda purpose, provider, item, attempt, usd, kind: PaidCall(
        Intent("i", "", provider, "m", purpose, item, attempt, "k", "", usd, False),
        None if kind == "open" else Outcome("i", "", kind, usd if kind == "paid" else 0.0),
    ),
    st.sampled_from(["write", "critique", "reference_image"]),
    st.sampled_from(["openai", "google"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from([None, 0, 1, 2]),
    st.floats(0, 10),
    st.sampled_from(["paid", "lost", "not_billed", "open"]),
)


@given(st.lists(calls, min_size=1, max_size=30), st.sets(st.sampled_from(["a", "b", "c"])))
def test_every_division_adds_up_to_the_whole(rows: list[PaidCall], accepted: set[str]) -> None:
    found = money(rows, [(item, 1) for item in accepted], [reject("a", 0, "x"), reject("b", 0, "y")])
    assert found is not None
    assert found.total == bill(rows)
    for division in (found.by_purpose, found.by_provider, found.by_fate):
        assert sum(row.bill.sent for row in division) == len(rows)
        assert sum(row.bill.paid_usd for row in division) == pytest.approx(found.total.paid_usd)
        assert sum(row.bill.possibly_usd for row in division) == pytest.approx(found.total.possibly_usd)
        assert len({row.name for row in division}) == len(division)
    assert found.rejected_usd <= found.total.paid_usd + 1e-9

"""The books of paid calls: every row counts once, nothing that was cut does, and the budget holds."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import BudgetReached, ConfigError
from data.paid import Call, Usage
from flows.calls import Bill, Books, attempt_of, bill, bills, read


def call(key: str = "k", purpose: str = "write", item: str = "view_0000", provider: str = "openai") -> Call:
    return Call(provider, "model", purpose, item, key, Usage(input=10))


def test_a_call_has_a_row_before_and_one_after(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    books = Books(path)
    (intent,) = books.intend([(call(), 0.25)])
    (before,) = read(path)
    assert (before.intent, before.outcome) == (intent, None)
    assert (before.paid_usd, before.possibly_usd) == (0, 0.25)
    books.paid(intent, Usage(input=12, output=3), 0.2, "r1")
    (after,) = read(path)
    assert after.outcome is not None
    assert (after.outcome.kind, after.outcome.usage.output, after.outcome.response_id) == ("paid", 3, "r1")
    assert (after.paid_usd, after.possibly_usd) == (0.2, 0)
    assert after.intent.item == "view_0000"


def test_what_is_lost_or_open_counts_as_possibly_paid_and_what_is_refused_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    books = Books(path)
    paid, lost, refused, _open = books.intend([(call(key), 0.5) for key in "abcd"])
    books.paid(paid, Usage(output=1), 0.3, "r")
    books.lost(lost, "time-out")
    books.not_billed(refused, "429")
    for seen in (books, Books(path)):
        assert seen.paid_usd == pytest.approx(0.3)
        assert seen.possibly_usd == pytest.approx(1.0)
    assert bill(read(path)) == Bill(4, 1, Usage(output=1), paid_usd=0.3, possibly_usd=1.0)
    assert [intent.key for intent in Books(path).open_intents] == ["d"]


def test_sums_by_whatever_names_a_call(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    books = Books(path)
    for number, purpose in enumerate(("write", "critique", "write")):
        (intent,) = books.intend([(call(str(number), purpose), 1.0)])
        books.paid(intent, Usage(input=number), 0.25, str(number))
    by_purpose = bills(read(path), lambda row: row.intent.purpose)
    assert by_purpose["write"] == Bill(2, 2, Usage(input=2), 0.5, 0.0)
    assert by_purpose["critique"].paid_usd == 0.25


def test_missing_books_are_empty_ones(tmp_path: Path) -> None:
    assert read(tmp_path / "none.jsonl") == []
    assert Books(tmp_path / "none.jsonl").paid_usd == 0


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The lines of six rows: three intents, each with its outcome, and the empty ones between them."""
    path = tmp_path_factory.mktemp("written") / "calls.jsonl"
    books = Books(path)
    for key in "abc":
        (intent,) = books.intend([(call(key), 1.0)])
        books.paid(intent, Usage(input=1), 0.5, key)
    return path.read_bytes().splitlines(keepends=True)


@settings(max_examples=50)
@given(st.data())
def test_books_cut_at_any_byte_keep_all_whole_rows_and_take_the_next(
    tmp_path_factory: pytest.TempPathFactory, written: list[bytes], data: st.DataObject
) -> None:
    whole = data.draw(st.integers(0, len(written) - 1))
    kept = b"".join(written[:whole])
    torn = written[whole][
        : data.draw(st.integers(0, len(written[whole]) - 2 if written[whole].strip() else 0))
    ]
    path = tmp_path_factory.mktemp("cut") / "calls.jsonl"
    path.write_bytes(kept + torn)
    intents, outcomes = kept.count(b"idempotency_id"), kept.count(b'"kind"')
    assert (bill(read(path)).sent, bill(read(path)).paid) == (intents, outcomes)
    again = Books(path)
    (intent,) = again.intend([(call("d"), 1.0)])
    again.paid(intent, Usage(), 0.125, "d")
    total = bill(read(path))
    assert (total.sent, total.paid) == (intents + 1, outcomes + 1)
    assert total.paid_usd == pytest.approx(0.5 * outcomes + 0.125)


def test_rows_of_zeros_as_a_power_failure_leaves_them_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    Books(path).intend([(call(), 1.0)])
    with path.open("ab") as file:
        file.write(b"\0" * 100 + b"\xff\xfe")
    Books(path).intend([(call("b"), 1.0)])
    assert [row.intent.key for row in read(path)] == ["k", "b"]


def test_a_whole_row_that_is_none_of_ours_is_said_and_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text('{"usd": 3}\n')
    with pytest.raises(ConfigError, match=r"calls\.jsonl holds a row"):
        read(path)


def test_a_budget_refuses_what_it_does_not_cover_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    books = Books(path, budget_usd=1.0)
    (paid,) = books.intend([(call("a"), 0.6)])
    books.paid(paid, Usage(), 0.3, "r")
    (lost,) = books.intend([(call("b"), 0.2)])
    books.lost(lost, "time-out")
    books.intend([(call("c"), 0.25)])  # under way
    size = path.stat().st_size
    with pytest.raises(BudgetReached, match=r"\$1\.00 does not cover write of view_0000") as raised:
        books.intend([(call("d"), 0.26)])
    assert "$0.3000 are paid" in str(raised.value)
    assert "$0.4500 more" in str(raised.value)
    assert "Raise budget_usd and run the same command again" in str(raised.value)
    assert path.stat().st_size == size
    with pytest.raises(BudgetReached, match="and 1 more"):
        books.intend([(call("d"), 0.13), (call("e"), 0.13)])
    books.intend([(call("d"), 0.25)])
    with pytest.raises(BudgetReached):
        Books(path, budget_usd=1.0).intend([(call("f"), 0.01)])


def test_threads_together_never_exceed_a_budget(tmp_path: Path) -> None:
    books = Books(tmp_path / "calls.jsonl", budget_usd=10.0)

    def spend(number: int) -> bool:
        try:
            (intent,) = books.intend([(call(str(number)), 1.0)])
        except BudgetReached:
            return False
        books.paid(intent, Usage(), 1.0, str(number))
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(40))) == 10
    assert books.paid_usd == 10
    assert bill(read(tmp_path / "calls.jsonl")).paid == 10


def ids(path: Path) -> list[str]:
    return [row.intent.idempotency_id for row in read(path)]


def test_a_lost_call_is_sent_with_the_same_id_and_a_refused_one_with_another(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    books = Books(path)
    (first,) = books.intend([(call(), 1.0)])
    books.not_billed(first, "500")
    (second,) = books.intend([(call(), 1.0)])
    books.lost(second, "time-out")
    (third,) = books.intend([(call(), 1.0)])
    books.not_billed(third, "409: still under way")
    (fourth,) = books.intend([(call(), 1.0)])
    assert first.idempotency_id != second.idempotency_id
    assert second.idempotency_id == third.idempotency_id == fourth.idempotency_id
    (other,) = books.intend([(call("other"), 1.0)])
    assert other.idempotency_id not in (first.idempotency_id, second.idempotency_id)


def test_after_a_kill_the_id_stays_as_well(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    Books(path).intend([(call(), 1.0)])
    again = Books(path)
    (intent,) = again.intend([(call(), 1.0)])
    again.not_billed(intent, "429")
    Books(path).intend([(call(), 1.0)])
    assert len(set(ids(path))) == 1


def test_the_same_answer_twice_is_billed_once(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    books = Books(path)
    for usd in (0.5, 0.5):
        (intent,) = books.intend([(call(), 1.0)])
        books.paid(intent, Usage(input=5), usd, "response-1")
    assert books.paid_usd == 0.5
    again = Books(path)
    (intent,) = again.intend([(call(), 1.0)])
    again.paid(intent, Usage(input=5), 0.5, "response-1")
    (intent,) = again.intend([(call("other"), 1.0)])
    again.paid(intent, Usage(input=5), 0.5, "response-1")
    assert bill(read(path)).paid_usd == 1.0
    assert bill(read(path)).usage == Usage(input=10)


def test_answers_without_an_id_are_each_billed(tmp_path: Path) -> None:
    books = Books(tmp_path / "calls.jsonl")
    for _ in range(2):
        (intent,) = books.intend([(call(), 1.0)])
        books.paid(intent, Usage(), 0.5, "")
    assert books.paid_usd == 1.0


def test_a_row_says_which_attempt_a_call_served(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    books = Books(path)
    books.intend([(call("a"), 1.0)])
    with attempt_of(2):
        books.intend([(call("b"), 1.0)])
    books.intend([(call("c"), 1.0)])
    assert [row.intent.attempt for row in read(path)] == [None, 2, None]

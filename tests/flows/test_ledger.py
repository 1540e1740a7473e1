"""The ledger: every line counts once, a torn one not at all."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flows.ledger import Entry, append, read, totals


def test_lines_come_back_in_order_and_add_up(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    rows = [Entry("clips", "a", "view_0000", 1.5), Entry("verdict", "b", "view_0000", 0.5)]
    for row in [*rows, rows[0]]:
        append(path, row)
    assert list(read(path)) == [*rows, rows[0]]
    assert totals(read(path))["clips"].count == 2
    assert totals(read(path))["clips"].seconds == 3.0
    assert totals(read(path))["verdict"].seconds == 0.5


def test_a_missing_ledger_is_an_empty_one(tmp_path: Path) -> None:
    assert list(read(tmp_path / "none.jsonl")) == []


def test_a_line_cut_by_a_crash_is_passed_over_and_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    row = Entry("clips", "a", "view_0000", 1.0)
    append(path, row)
    with path.open("a") as file:
        file.write('{"stage": "cli')
    append(path, row)
    assert list(read(path)) == [row, row]


def test_threads_tear_no_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    rows = [Entry("clips", str(number), "view_0000", 1.0) for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda row: append(path, row), rows))
    assert sorted(read(path), key=lambda row: int(row.key)) == rows

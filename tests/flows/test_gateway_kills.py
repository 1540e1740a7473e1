"""The gateway when its process is killed at any step: no answer and no dollar is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.calls import bill, read
from tests.flows.paid_calls import ACTUAL, Vendor
from tests.flows.paid_run import ACTUAL_USD, Killed, Machine, Run, assert_balanced, to_the_end
from tests.flows.paid_run import run as run


@pytest.mark.parametrize("honours_ids", [False, True])
@pytest.mark.parametrize("how", ["before", "after", "torn"])
def test_a_kill_at_any_step_loses_no_answer_and_no_dollar(
    run: Run, monkeypatch: pytest.MonkeyPatch, how: str, honours_ids: bool
) -> None:
    machine = Machine(monkeypatch)
    script = ["ok", "throttled", "ok", "lost_after", "ok"]
    to_the_end(Run(run.folder / "whole"), machine, Vendor([*script], honours_ids), "abc")
    for step in range(machine.steps):
        here = Run(run.folder / str(step))
        vendor = Vendor([*script], honours_ids)
        machine.restart(dies_at=step, how=how)
        with pytest.raises(Killed):
            to_the_end(here, machine, vendor, "abc")
        assert_balanced(here, vendor)
        machine.restart()
        to_the_end(here, machine, vendor, "abc")
        assert_balanced(here, vendor)
        sent = len(vendor.ids)
        to_the_end(here, machine, vendor, "abc")
        assert len(vendor.ids) == sent  # all is there: nothing is sent any more
        if honours_ids:
            assert len(vendor.billed) == 3
            assert bill(read(here.ledger)).paid_usd == pytest.approx(3 * ACTUAL_USD)
        machine.restart()


def test_an_answer_that_was_kept_before_a_kill_gets_its_row_when_the_run_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, vendor = Machine(monkeypatch), Vendor()
    machine.restart(dies_at=4)  # intent, send, bytes, record | outcome
    with pytest.raises(Killed):
        to_the_end(run, machine, vendor, "a")
    assert run.kinds() == ["open"]
    machine.restart()
    run.gateway()
    assert run.kinds() == ["paid"]
    assert bill(read(run.ledger)).usage == ACTUAL
    run.gateway()
    assert run.kinds() == ["paid"]


words = st.sampled_from(["ok", "throttled", "rest", "away", "lost_before", "lost_after", "rejected"])


@settings(max_examples=60)
@given(
    script=st.lists(words, max_size=12),
    kills=st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["before", "after", "torn"])), max_size=4),
    honours_ids=st.booleans(),
)
def test_whatever_happens_the_books_balance(
    tmp_path_factory: pytest.TempPathFactory,
    script: list[str],
    kills: list[tuple[int, str]],
    honours_ids: bool,
) -> None:
    run, vendor = Run(tmp_path_factory.mktemp("run")), Vendor([*script], honours_ids)
    with pytest.MonkeyPatch.context() as monkeypatch:
        machine = Machine(monkeypatch)
        for dies_at, how in kills:
            machine.restart(dies_at, how)
            try:
                to_the_end(run, machine, vendor, "abcd")
            except Killed:
                assert machine.dead
            assert_balanced(run, vendor)
        machine.restart()
        to_the_end(run, machine, vendor, "abcd")
    assert_balanced(run, vendor)

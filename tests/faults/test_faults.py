"""The matrix in its reduced form: each kind of fault once, where it weighs most. ``make faults`` runs all."""

from collections.abc import Iterator

import pytest

from tests.faults.cell import Cell
from tests.faults.injections import STAGES
from tests.faults.judging import judged
from tests.faults.matrix import TABLE
from tests.faults.world import Worlds, worlds
from tests.flows.conftest import Prefect

REDUCED = {
    f"{fault}, {stage}": cell
    for fault, row in TABLE.items()
    for stage, cell in row.items()
    if isinstance(cell, Cell) and cell.reduced
}


ALIKE = (
    {"429 with Retry-After", "429 without Retry-After", "500"},
    {"500 for as long as it is asked", "hanging vendor"},
    {
        "timeout",
        "connection reset mid-body",
        "answer cut short",
        "malformed JSON",
        "answers 10 times slower, in pieces",
        "an answer without end",
    },
    {"schema-violating JSON", "refusal", "200 without image"},
    {"clock jumps 10 years ahead", "clock jumps 1 day back"},
)
"""Rows of one kind: the reduced form has one of them; tests of clients, gateway and runners have all."""


@pytest.fixture(scope="module")
def made(prefect: Prefect, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    with worlds(tmp_path_factory.mktemp("faults"), prefect.url) as found:
        yield found


@pytest.mark.parametrize("name", REDUCED)
def test_a_fault_ends_as_stated_and_loses_nothing(made: Worlds, name: str) -> None:
    cell = REDUCED[name]
    verdict = judged(made, cell, name.replace(" ", "-"))
    assert not verdict.wrong, verdict.said


def test_every_kind_of_fault_that_needs_no_root_is_in_the_reduced_form() -> None:
    apart = [{fault} for fault in TABLE if not any(fault in kind for kind in ALIKE)]
    for kind in (*ALIKE, *apart):
        cells = [cell for fault in kind for cell in TABLE[fault].values() if isinstance(cell, Cell)]
        if not all(cell.small_disk for cell in cells):
            assert any(cell.reduced for cell in cells), kind


def test_every_cell_is_of_a_stage_and_states_an_outcome_or_a_reason() -> None:
    for fault, row in TABLE.items():
        assert row.keys() <= set(STAGES), fault
        assert all(cell for cell in row.values()), fault

"""The matrix in its reduced form: every fault once, where it weighs most. ``make faults`` runs all of it."""

from collections.abc import Iterator

import pytest

from tests.faults.injections import STAGES
from tests.faults.judging import judged
from tests.faults.matrix import TABLE, Cell
from tests.faults.world import Worlds, worlds
from tests.flows.conftest import Prefect

REDUCED = {
    f"{fault}, {stage}": cell
    for fault, row in TABLE.items()
    for stage, cell in row.items()
    if isinstance(cell, Cell) and cell.reduced
}


@pytest.fixture(scope="module")
def made(prefect: Prefect, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    with worlds(tmp_path_factory.mktemp("faults"), prefect.url) as found:
        yield found


@pytest.mark.parametrize("name", REDUCED)
def test_a_fault_ends_as_stated_and_loses_nothing(made: Worlds, name: str) -> None:
    cell = REDUCED[name]
    verdict = judged(made, cell, name.replace(" ", "-"))
    assert not verdict.wrong, verdict.said


def test_every_fault_that_needs_no_root_is_in_the_reduced_form() -> None:
    for fault, row in TABLE.items():
        cells = [cell for cell in row.values() if isinstance(cell, Cell) and not cell.small_disk]
        assert not cells or any(cell.reduced for cell in cells), fault


def test_every_cell_is_of_a_stage_and_states_an_outcome_or_a_reason() -> None:
    for fault, row in TABLE.items():
        assert row.keys() <= set(STAGES), fault
        assert all(cell for cell in row.values()), fault

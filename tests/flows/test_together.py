"""Small clips share Prefect tasks and large ones do not, so that no worker waits for another's last batch."""

import pytest

from data.schema import ClipFormat
from flows.together import batch_size

SMALL, PUBLISHED = ClipFormat(64, 1.0, 8), ClipFormat(512, 5.0, 16)


@pytest.mark.parametrize(("num_jobs", "workers", "size"), [(32, 2, 4), (64, 2, 8), (3, 2, 1)])
def test_a_wave_of_small_clips_is_shared_out_so_that_nobody_idles(
    num_jobs: int, workers: int, size: int
) -> None:
    assert batch_size(num_jobs, workers, SMALL) == size


def test_what_takes_seconds_has_a_task_of_its_own() -> None:
    assert batch_size(1000, 2, PUBLISHED) == 1

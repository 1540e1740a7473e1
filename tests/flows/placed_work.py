"""Three pieces of work that need a GPU on a local cluster, and what they saw of it."""

import os
import sys

from prefect import Task

from flows.recipe import load_recipe
from flows.runners import crew
from flows.tasks import LOCAL_TASK


def look(number: int) -> tuple[str, int]:
    """The GPU that the worker sees, and its process."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", ""), os.getpid()


if __name__ == "__main__":
    task = Task(look, name="look", **LOCAL_TASK)
    with crew(load_recipe("demo").overridden(runner=sys.argv[1]), needs_gpu=True) as workers:
        for number in range(3):
            workers.submit(task, "gpu", number=number)
        seen = [workers.result(workers.next_done()) for _ in range(3)]
    sys.stdout.write(f"{' '.join(gpu for gpu, _ in seen)}|{' '.join(str(pid) for _, pid in seen)}")

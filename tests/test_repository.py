"""What the repository says of itself is true: the README's tree, versions, deployments, words."""

import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import yaml
from prefect.deployments.runner import RunnerDeployment

from flows.recipe import load_recipe
from flows.serve import deployments
from generators.config import build_video_generator
from tests import readme_tree

ROOT = Path(__file__).parents[1]


def _tracked() -> list[Path]:
    answer = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in answer.stdout.splitlines() if (ROOT / line).exists()]


def _project() -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def test_the_tree_in_the_readme_is_the_tree() -> None:
    assert readme_tree.in_readme() == readme_tree.tree(), "run 'make tree'"


def test_the_newest_change_is_of_this_version() -> None:
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == _project()["version"]


def test_the_deployments_of_workers_are_those_that_up_serves() -> None:
    written = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    told = [{**each, "work_pool": each["work_pool"]["name"]} for each in written]
    assert told == [_as_written(served) for served in deployments()]


def _as_written(served: RunnerDeployment) -> dict[str, object]:
    told = {
        "name": served.name,
        "entrypoint": served.entrypoint,
        "description": served.description,
        "tags": served.tags,
        "parameters": served.parameters,
        "work_pool": "simmotion-gpu" if _needs_gpu(served) else "simmotion",
    }
    intervals = [each.schedule.interval.total_seconds() for each in served.schedules or []]  # type: ignore[union-attr]
    return told | ({"schedules": [{"interval": seconds} for seconds in intervals]} if intervals else {})


def _needs_gpu(served: RunnerDeployment) -> bool:
    if served.flow_name != "build-synthetic":
        return False
    return build_video_generator(load_recipe(served.parameters["recipe"]).video).facts.needs_gpu


def test_every_dependency_is_pinned() -> None:
    pinned = {
        re.split(r"[=@ ]", line)[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    project = _project()
    extras = project["optional-dependencies"].values()  # type: ignore[attr-defined]
    wanted = [*project["dependencies"], *chain.from_iterable(extras)]  # type: ignore[misc]
    names = {re.split(r"[<>=\[; ]", line)[0].lower() for line in wanted}
    assert names <= pinned, names - pinned


def test_no_file_is_too_long_for_one_noun() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in _tracked() if path.suffix == ".py"}
    assert {path.name: length for path, length in lengths.items() if length > 400} == {}


def test_no_file_is_too_big_for_a_repository() -> None:
    assert [path.name for path in _tracked() if path.stat().st_size > 2**20] == []

"""``simmotion up``: a Prefect server and a process that serves every deployment, in one command.

The deployments are the bundled recipes, ``build-synthetic/<recipe>``, what is asked of a data set,
``score/dataset`` and ``evaluate/dataset``, what is done to footage, ``pace/video`` and
``retime-video/video``, and what people have a part in, ``build-real/<recipe>`` and ``rank/waiting``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from prefect import Flow, serve
from prefect.deployments.runner import RunnerDeployment

from flows.api import api
from flows.build_real import build_real
from flows.build_synthetic import build_synthetic
from flows.evaluate import evaluate
from flows.pace import pace
from flows.rank import EVERY_SECONDS, rank
from flows.real_recipe import load_real_recipe, real_recipe_names
from flows.recipe import load_recipe, recipe_names
from flows.retime_video import retime_video
from flows.score import score

DATASET = "dataset"  # the deployment's name of whatever is asked of one
SCORE_DESCRIPTION = "Pace of every clip, and its likeness to the reference of its triplet, as Parquet."
EVALUATE_DESCRIPTION = "The paper's questions asked of a data set: tables, paired tests and a page."
VIDEO = "video"  # and of whatever is done to footage
PACE_DESCRIPTION = "How evenly videos change, as JSON: the Semantic Progress Function."
WAITING = "waiting"  # and of what looks after builds that wait for people
RANK_DESCRIPTION = "Takes in what annotators answered, asks further, resumes builds that have all they need."
RETIME_DESCRIPTION = "Another pacing for a video that exists, and its pace before and after as JSON."


def deployments() -> list[RunnerDeployment]:
    """One for each bundled recipe, with its folder below the working directory, and for each other flow."""
    builds = [
        _deployment(build_synthetic, name, load_recipe(name).description, recipe=name, out=f"out/{name}")
        for name in recipe_names()
    ]
    return [
        *builds,
        _deployment(score, DATASET, SCORE_DESCRIPTION, path="out/demo"),
        _deployment(evaluate, DATASET, EVALUATE_DESCRIPTION, path="out/demo"),
        _deployment(pace, VIDEO, PACE_DESCRIPTION, paths=["video.mp4"], json_path="out/pace.json"),
        _deployment(
            retime_video,
            VIDEO,
            RETIME_DESCRIPTION,
            path="video.mp4",
            to="out/retimed.mp4",
            json_path="out/retimed.json",
        ),
        *(
            _deployment(build_real, name, load_real_recipe(name).description, recipe=name, out=f"out/{name}")
            for name in real_recipe_names()
        ),
        _deployment(rank, WAITING, RANK_DESCRIPTION, every_seconds=EVERY_SECONDS),
    ]


def _deployment(
    flow: Flow[..., Any],
    name: str,
    description: str,
    *,
    every_seconds: int | None = None,
    **parameters: object,
) -> RunnerDeployment:
    deployment = flow.to_deployment(
        name=name,
        parameters=parameters,
        description=description,
        tags=["simmotion"],
        interval=every_seconds,
    )
    assert isinstance(deployment, RunnerDeployment), "awaitable only inside a running event loop"
    return deployment


def up(port: int, announce: Callable[[str, Sequence[str]], None]) -> None:
    """Serve until interrupted. ``announce`` gets the API's address and all names once everything is ready."""
    with api(port, services=True) as url:
        ready = deployments()
        announce(url, [f"{deployment.flow_name}/{deployment.name}" for deployment in ready])
        serve(*ready, print_starting_message=False)

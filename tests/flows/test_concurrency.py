"""Limits of a team: who waits for whom, and that nobody notices them where there are none."""

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import flow, tags, task
from prefect.client.orchestration import get_client
from prefect.context import TaskRunContext
from prefect.flow_engine import run_flow
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.concurrency import limited, tags_of
from flows.gateway import NoGateway
from flows.recipe import load_recipe
from generators.config import build_image_generator, build_video_generator
from prompts.config import build_writer
from tests.flows.conftest import Prefect

TOGETHER_SECONDS = 1.0


@pytest.fixture(autouse=True)
def api(prefect: Prefect) -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: prefect.url}):
        yield
        APILogHandler().flush()


def _meetings(tag: str, *, of_deployment: bool, patience_seconds: float) -> list[tuple[list[str], bool]]:
    """The tags of two tasks of one run, and whether they were ever at work at the same time."""
    both = threading.Barrier(2)

    @task(persist_result=False)
    def work() -> tuple[list[str], bool]:
        context = TaskRunContext.get()
        assert context is not None
        try:
            both.wait(patience_seconds)
        except threading.BrokenBarrierError:
            return context.task_run.tags, False
        return context.task_run.tags, True

    @flow(name="meeting", persist_result=False)
    def meeting() -> list[tuple[list[str], bool]]:
        with tags(*limited((tag,))):
            futures = [work.submit() for _ in range(2)]
        return [future.result() for future in futures]

    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(meeting)
        if of_deployment:
            run = client.create_flow_run_from_deployment(client.create_deployment(flow_id, "team"))
        else:
            run = client.create_flow_run(meeting)
    result: list[tuple[list[str], bool]] = run_flow(meeting, flow_run=run)  # type: ignore[assignment]
    return result


def _limit(tag: str, slots: int) -> None:
    with get_client(sync_client=True) as client:
        client.create_concurrency_limit(tag=tag, concurrency_limit=slots)


def test_tasks_of_a_limited_vendor_wait_for_their_turn() -> None:
    _limit("simmotion-one", 1)
    met = _meetings("simmotion-one", of_deployment=True, patience_seconds=TOGETHER_SECONDS)
    assert met == [(["simmotion-one"], False)] * 2


def test_without_a_limit_nobody_waits_and_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    met = _meetings("simmotion-none", of_deployment=True, patience_seconds=60)
    assert met == [([], True)] * 2
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == []


def test_a_run_of_the_command_line_counts_against_nothing() -> None:
    _limit("simmotion-two", 1)
    met = _meetings("simmotion-two", of_deployment=False, patience_seconds=60)
    assert met == [([], True)] * 2


def test_tags_are_by_vendor_as_recipes_limit_them_and_by_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4")
    recipe = load_recipe("paper")
    nothing = NoGateway()
    assert tags_of(build_writer(recipe.writer, nothing).facts.demand) == ("simmotion-openai",)
    images = build_image_generator(recipe.images, nothing).facts
    assert tags_of(images.demand, needs_gpu=images.needs_gpu) == ("simmotion-google",)
    video = build_video_generator(recipe.video).facts
    gpu = f"simmotion-gpu-{socket.gethostname()}-3"
    assert tags_of(video.demand, needs_gpu=video.needs_gpu) == ("simmotion-gpu", gpu)


def test_what_the_procedural_generator_does_is_not_counted() -> None:
    recipe = load_recipe("demo")
    assert tags_of(build_video_generator(recipe.video).facts.demand) == ()


def test_the_limits_of_the_guide_are_on_tags_that_tasks_carry() -> None:
    recipe = load_recipe("paper")
    used = {
        *tags_of(build_writer(recipe.writer, NoGateway()).facts.demand),
        *tags_of(build_image_generator(recipe.images, NoGateway()).facts.demand),
        *tags_of((), needs_gpu=True),
    }
    guide = (Path(__file__).parents[2] / "docs" / "TEAMS.md").read_text()
    named = set(re.findall(r"concurrency-limit create (\S+)", guide))
    host = f"simmotion-gpu-{socket.gethostname()}-0"
    assert {name.replace("gpu-gpu3-0", f"gpu-{socket.gethostname()}-0") for name in named} == used | {host}

"""The flow ``pace``: videos of any length → a vector for every frame → how evenly their change is spread.

Order, files and progress; the curve is that of ``moments.progress``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from prefect import Task, flow, get_run_logger

from data.errors import ConfigError
from data.schema import Frames
from data.video import num_packets
from data.video_stream import frame_chunks, frame_rate
from flows.backbones import Options
from flows.filmstrip import Filmstrip
from flows.pace_backbone import BACKBONE, pace_backbone
from flows.pace_plot import PICTURES, write_plot
from flows.pace_report import VideoPace, write_json
from flows.progress import LogProgress, StageProgress, watcher
from flows.tasks import LOCAL_TASK, run_step
from moments.errors import BackboneError, FeatureError
from moments.frame_embeddings import frame_embeddings
from moments.progress import semantic_progress

CHUNK_FRAMES = 32
"""About three chunks are in memory: 600 MB of 1080p, with which a large accelerator is still kept busy."""

embed_task: Task[..., Any] = Task(frame_embeddings, name="embed frames", **LOCAL_TASK)


@flow(name="pace", persist_result=False)
def pace(
    paths: list[str],
    backbone: str = BACKBONE,
    precision: Literal["fp32", "bf16"] = "fp32",
    device: str | None = None,
    json_path: str | None = None,
    plot_path: str | None = None,
) -> list[VideoPace]:
    """Measure how evenly videos change, each by itself.

    Args:
        paths: Videos at a constant frame rate, of any length.
        backbone: NAME, NAME=FOLDER, NAME=HUB/ID or NAME=HUB/ID@REVISION; of single images.
        precision: Arithmetic of the backbone.
        device: Where the backbone runs; the accelerator when empty and there is one.
        json_path: File for all figures and curves.
        plot_path: PNG file for the curves.
    """
    from moments.backbones.catalogue import default_device

    progress = watcher.get() or LogProgress(get_run_logger())
    videos = [Path(path) for path in paths]
    if not videos:
        raise ConfigError("no video was named: give at least one")
    _check_outputs(videos, json_path, plot_path)
    eyes = pace_backbone(backbone, Options(None, "released", precision, device or default_device()))
    rates = [frame_rate(video) for video in videos]  # files that cannot be read are told before any work
    eyes.open()

    stage = f"embed {eyes.facts.title}"
    chunks = [max(1, -(-num_packets(video) // CHUNK_FRAMES)) for video in videos]
    progress.expect(stage, sum(chunks))
    found = []
    for video, fps in zip(videos, rates, strict=True):
        strip = Filmstrip()
        try:
            vectors = run_step(embed_task, _watched(video, strip, progress, stage), eyes)
        except BackboneError:
            raise  # not the video's fault
        except FeatureError as error:
            raise FeatureError(f"{video}: {error}") from error
        found.append(VideoPace(video, fps, eyes.facts, semantic_progress(vectors), strip.pictures(PICTURES)))
    if json_path is not None:
        write_json(found, Path(json_path))
    if plot_path is not None:
        write_plot(found, Path(plot_path))
    return found


def _watched(video: Path, strip: Filmstrip, progress: StageProgress, stage: str) -> Iterator[Frames]:
    """The chunks of a video, of which the strip keeps pictures."""
    for frames in frame_chunks(video, CHUNK_FRAMES):
        strip.add(frames)
        yield frames
        progress.advance(stage)


def _check_outputs(videos: list[Path], json: str | None, plot: str | None) -> None:
    """Raises ``ConfigError`` for files that could not be written after all the work, or that are videos."""
    if plot is not None and Path(plot).suffix.lower() != ".png":
        raise ConfigError(f"--plot {plot}: a PNG is written; name a file that ends in .png")
    inputs = {video.resolve() for video in videos}
    for option, out in (("--json", json), ("--plot", plot)):
        if out is None:
            continue
        if Path(out).resolve() in inputs:
            raise ConfigError(f"{option} {out} is one of the videos and would be overwritten: name another")
        if Path(out).is_dir():
            raise ConfigError(f"{option} {out} is a folder; name a file in it")

"""The flow ``retime-video``: a file's pace measured, its frames re-timed to a target, measured again.

Order and files; the timing is that of ``flows.retiming``.
"""

from __future__ import annotations

import functools
import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from prefect import Task, flow, get_run_logger
from pydantic import Field

from data.disk import disk_errors
from data.errors import ConfigError
from data.remux import Sound, remux
from data.schema import Clip, FloatArray, Frames
from data.video import decode, encode
from flows import regeneration
from flows.backbones import Options
from flows.pace import CHUNK_FRAMES
from flows.pace_backbone import BACKBONE, pace_backbone
from flows.pace_report import is_semantic
from flows.progress import LogProgress, StageProgress, watcher
from flows.regeneration import Regeneration
from flows.retime_report import RetimeReport, paced, write_json, write_plot
from flows.retiming import Retimed, retime
from flows.targets import target_pacing
from flows.tasks import LOCAL_TASK, run_step
from generators.inbetween import Resampling, SourceFrames
from moments.embedder import Embedder
from moments.fidelity import fidelity
from moments.frame_embeddings import frame_embeddings
from moments.pacing import Pacing
from moments.progress import RANGE_FLOOR_RADIANS, SemanticProgress, semantic_progress
from moments.segments import Segment, segments_by_count, segments_by_penalty

PASSES = 3
"""As many as ReTime regenerates."""


def written(retimed: Frames, fps: float, source: Path, out: Path, sound: Sound) -> bool:
    """Encode frames of any size and join them with the source's sound; whole or absent.

    H.264 in 4:2:0 halves both sides: an odd one gets its last row or column twice.  True when there is
    sound in the result.
    """
    _, height, width, _ = retimed.shape
    even = np.pad(retimed, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
            silent, whole = Path(folder) / "silent.mp4", Path(folder) / "whole.mp4"
            encode(Clip(even, fps), silent)
            has_sound = remux(silent, source, whole, sound)
            whole.replace(out)
    return has_sound


def measured(frames: Frames, eyes: Embedder) -> SemanticProgress:
    """The pace of frames uint8 (T, H, W, 3) as the backbone sees them."""
    chunks = (frames[start : start + CHUNK_FRAMES] for start in range(0, len(frames), CHUNK_FRAMES))
    return semantic_progress(frame_embeddings(chunks, eyes))


retime_task: Task[..., Any] = Task(retime, name="retime", **LOCAL_TASK)
regenerate_task: Task[..., Any] = Task(regeneration.regenerate, name="regenerate", **LOCAL_TASK)
decode_task: Task[..., Any] = Task(decode, name="decode", **LOCAL_TASK)
measure_task: Task[..., Any] = Task(measured, name="measure", **LOCAL_TASK)
fidelity_task: Task[..., Any] = Task(fidelity, name="fidelity", **LOCAL_TASK)
write_task: Task[..., Any] = Task(written, name="write", **LOCAL_TASK)


@flow(name="retime-video", flow_run_name="{path}", persist_result=False)
def retime_video(
    path: str,
    to: str,
    target: str = "linear",
    resample: Resampling = "motion",
    backbone: str = BACKBONE,
    segments: Annotated[int | None, Field(ge=1)] = None,
    penalty: float | None = None,
    seconds: float | None = None,
    fps: float | None = None,
    sound: Sound = "drop",
    passes: Annotated[int, Field(ge=1)] = PASSES,
    regenerate: str | None = None,
    prompt: str = "",
    seed: Annotated[int, Field(ge=0)] = 0,
    steps: Annotated[int, Field(ge=1)] = 40,
    device: str | None = None,
    json_path: str | None = None,
    plot_path: str | None = None,
) -> RetimeReport:
    """Give a video another pacing, and report its pace before and after.

    Frames are the source's own at other moments, and what motion makes of two neighbours between them; or
    WAN makes them anew, as a whole with its time bent, or in segments between keyframes.  The video and
    its result are held in memory whole (1080p: 6 MB a frame).

    Args:
        path: The video, at a constant frame rate.
        to: MP4 file to write.
        target: linear, exp_up, exp_down, sinusoidal, or a file with a pacing curve.
        resample: Between two frames: the nearest, a blend (cross-fade), or motion-compensated.
        backbone: NAME, NAME=FOLDER, NAME=HUB/ID or NAME=HUB/ID@REVISION; of single images.
        segments: So many segments, each played at one speed; plain resampling when empty.
        penalty: The same, with the number of segments that this penalty gives (0.02 is the paper's).
        seconds: Length of the result; the source's when empty.
        fps: Frame rate of the result; the source's when empty.
        sound: Drop it, keep it as it is, or stretch it evenly to the new length.
        passes: At most so many times the result is measured and corrected.
        regenerate: WAN checkpoint, a hub id or a folder, that makes the video anew; its frames and its
            length are then the nearest that the model makes.
        prompt: What the video shows, for the model.
        seed: Seed of the model.
        steps: Denoising steps of the model.
        device: Where the backbone runs; the accelerator when empty and there is one.
        json_path: File for figures and curves.
        plot_path: PNG file for the pace before and after.
    """
    from moments.backbones.catalogue import default_device

    progress = watcher.get() or LogProgress(get_run_logger())
    source, out = Path(path), Path(to)
    _check_outputs(source, {"--to": to, "--json": json_path, "--plot": plot_path})
    if regenerate is not None and not prompt:
        raise ConfigError("--regenerate needs --prompt: tell the model what the video shows and how it moves")
    if segments is not None and penalty is not None:
        raise ConfigError("--segments and --penalty were both given: give the number, or what sets it")
    pacing = target_pacing(target)
    eyes = pace_backbone(backbone, Options(device=device or default_device()))
    stages = ("measure", "retime", "write", "measure again")
    for stage in stages:
        progress.expect(stage, 1)

    clip: Clip = run_step(decode_task, source)
    rate = clip.fps if fps is None else fps
    num_frames = _num_frames(clip.duration_seconds if seconds is None else seconds, rate)
    eyes.open()
    before: SemanticProgress = run_step(measure_task, clip.frames, eyes)
    _require_pace(before, source, eyes)
    cuts = _segments(before, segments, penalty)
    progress.advance("measure")
    course = (clip.frames, before, pacing, num_frames, cuts)
    measure = functools.partial(measured, eyes=eyes)
    made: Retimed
    if regenerate is None:
        made = run_step(retime_task, *course, SourceFrames(resample), measure, passes)
    else:
        asked = Regeneration(regenerate, prompt, seed, steps)
        made = run_step(regenerate_task, *course, asked, eyes, measure, passes, _steps(progress))
        num_frames = len(made.frames)
    progress.advance("retime")
    has_sound = run_step(write_task, made.frames, rate, source, out, sound)
    progress.advance("write")
    result: Clip = run_step(decode_task, out)
    after: SemanticProgress = run_step(measure_task, result.frames, eyes)
    look, new_look = (run_step(fidelity_task, frames) for frames in (clip.frames, result.frames))
    progress.advance("measure again")
    report = RetimeReport(
        source=str(source),
        result=str(out),
        backbone=eyes.facts.title,
        semantic=is_semantic(eyes.facts),
        target=target,
        resampling=resample if regenerate is None else f"made anew by {regenerate}",
        keyframes=(0, *(cut.end for cut in cuts)) if cuts else (),
        budgets=made.budgets if cuts else (),
        positions=tuple(made.positions.tolist()),
        pass_deviations=made.deviations,
        target_progress=tuple(_wanted(pacing, num_frames).tolist()),
        sound=sound if has_sound else "none",
        before=paced(before, _wanted(pacing, len(clip.frames)), clip.fps, look),
        after=paced(after, _wanted(pacing, num_frames), rate, new_look),
    )
    if json_path is not None:
        write_json(report, Path(json_path))
    if plot_path is not None:
        write_plot(report, Path(plot_path))
    return report


def _steps(progress: StageProgress) -> Callable[[], None]:
    """Counts denoising steps, whose number is not known before the pace is."""

    def step() -> None:
        progress.expect("denoising", 1)
        progress.advance("denoising")

    return step


def _wanted(pacing: Pacing, num_frames: int) -> FloatArray:
    return pacing(np.linspace(0, 1, num_frames, dtype=np.float64))


def _check_outputs(source: Path, outputs: Mapping[str, str | None]) -> None:
    """Raises ``ConfigError`` for files that could not be written after all the work, or that are in use."""
    used = {source.resolve()}
    for option, out in outputs.items():
        if out is None:
            continue
        suffix = {"--to": ".mp4", "--plot": ".png"}.get(option)
        if suffix is not None and Path(out).suffix.lower() != suffix:
            raise ConfigError(f"{option} {out}: name a file that ends in {suffix}, which is what is written")
        if Path(out).resolve() in used:
            raise ConfigError(f"{option} {out} is the source or another result, which would be overwritten")
        if Path(out).is_dir():
            raise ConfigError(f"{option} {out} is a folder; name a file in it")
        used.add(Path(out).resolve())


def _num_frames(seconds: float, fps: float) -> int:
    if not (seconds > 0 and fps > 0 and 1.5 <= seconds * fps < math.inf):
        raise ConfigError(
            f"{seconds:g} s at {fps:g} fps were asked for; a pace needs at least 2 frames: "
            "take more seconds or more frames a second"
        )
    return round(seconds * fps)


def _require_pace(pace: SemanticProgress, source: Path, eyes: Embedder) -> None:
    if not pace.interpretable:
        raise ConfigError(
            f"{source}: changes by {pace.range_radians:.4f} rad in all as {eyes.facts.title} sees it, and "
            f"below {RANGE_FLOOR_RADIANS} rad pace is noise. Nothing was written: take footage in which "
            "something changes, or another backbone"
        )


def _segments(pace: SemanticProgress, count: int | None, penalty: float | None) -> tuple[Segment, ...]:
    """The segments asked for; none for plain resampling.

    Cut on ``unsmoothed``: on the published curve a jump starts one frame early, and so would its segment.
    """
    if count is not None:
        return segments_by_count(pace.unsmoothed, count)
    if penalty is not None:
        return segments_by_penalty(pace.unsmoothed, penalty)
    return ()

"""The command ``retime``: another pacing for a video that exists. It parses, calls and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from flows.terminal import running


def retime(
    video: Annotated[
        Path, typer.Argument(metavar="VIDEO", help="Video at a constant frame rate.", show_default=False)
    ],
    to: Annotated[Path, typer.Option(help="MP4 file to write.", show_default=False)],
    target: Annotated[
        str, typer.Option(help="linear, exp_up, exp_down, sinusoidal, or a file with a pacing curve.")
    ] = "linear",
    resample: Annotated[
        Literal["nearest", "blend", "motion"],
        typer.Option(help="Between two frames: the nearest, a cross-fade, or motion-compensated."),
    ] = "motion",
    backbone: Annotated[
        str,
        typer.Option(
            metavar="NAME[=WEIGHTS[@REVISION]]",
            help="Backbone of single images; hog needs no weights and is not semantic.",
        ),
    ] = "siglip2-pooled",
    segments: Annotated[
        int | None,
        typer.Option(help="So many segments, each played at one speed. (default: plain resampling)", min=1),
    ] = None,
    penalty: Annotated[
        float | None, typer.Option(help="Segments as many as this penalty gives; 0.02 is the paper's.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Length of the result. (default: the source's)")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frame rate of the result. (default: the source's)")
    ] = None,
    sound: Annotated[
        Literal["drop", "keep", "stretch"],
        typer.Option(
            help="Drop the sound, keep it as it is, or stretch it to the new length: evenly, so that it "
            "does not follow the picture."
        ),
    ] = "drop",
    passes: Annotated[
        int, typer.Option(help="At most so many times the result is measured and corrected.", min=1)
    ] = 3,
    regenerate: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Make it anew with this WAN checkpoint, a hub id or a folder, as a whole "
            "with its time bent, or in segments between keyframes. (default: its own frames)",
        ),
    ] = None,
    prompt: Annotated[
        str, typer.Option(help="What the video shows and how it moves, for --regenerate.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Seed for --regenerate.", min=0)] = 0,
    steps: Annotated[int, typer.Option(help="Denoising steps for --regenerate.", min=1)] = 40,
    device: Annotated[
        str | None, typer.Option(help="Where the backbone runs. (default: cuda where there is one, else cpu)")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write figures and curves to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of the pace before and after.")] = None,
) -> None:
    """Give a video another pacing, and say how even it was before and after."""
    with running("Stopped. Nothing was written."):
        from flows.retime_report import terminal_lines
        from flows.retime_video import retime_video

        report = retime_video(
            path=str(video),
            to=str(to),
            target=target,
            resample=resample,
            backbone=backbone,
            segments=segments,
            penalty=penalty,
            seconds=seconds,
            fps=fps,
            sound=sound,
            passes=passes,
            regenerate=regenerate,
            prompt=prompt,
            seed=seed,
            steps=steps,
            device=device,
            json_path=None if json is None else str(json),
            plot_path=None if plot is None else str(plot),
        )
    for line in terminal_lines(report):
        Console().print(line, markup=False, highlight=False, soft_wrap=True)

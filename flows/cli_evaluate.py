"""The commands ``score`` and ``evaluate``: clips through backbones. They parse, call and print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from flows.terminal import running

_STOPPED = "Stopped. The same command continues; what is embedded is kept."

Data = Annotated[
    Path,
    typer.Argument(
        metavar="PATH",
        help="Built data set, published folder tree, or folder of videos with labels.csv.",
        show_default=False,
    ),
]
Backbone = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[=WEIGHTS[@REVISION]]",
        help="Backbone, with a folder or hub id of other weights; may be repeated. (default: hog)",
    ),
]
NumFrames = Annotated[
    int | None, typer.Option(help="Frames taken of a clip. (default: the backbone's own)", min=1)
]
Mode = Annotated[
    Literal["released", "native"],
    typer.Option(help="Squash to 224 px as the authors released it, or keep the aspect ratio."),
]
Precision = Annotated[
    Literal["fp32", "bf16"], typer.Option(help="Arithmetic of the backbone; bf16 is 1.5 to 3 times faster.")
]
Device = Annotated[
    str | None, typer.Option(help="Where the backbone runs. (default: cuda where there is one, else cpu)")
]
To = Annotated[
    Path | None,
    typer.Option(help="Folder of the results. (default: inside the data set, or below out/evaluate)"),
]


def score(
    path: Data,
    backbone: Backbone = None,
    num_frames: NumFrames = None,
    mode: Mode = "released",
    precision: Precision = "fp32",
    device: Device = None,
    to: To = None,
) -> None:
    """Write SemanticMoments and pacing scores of every clip as Parquet, a file for each backbone."""
    with running(_STOPPED):
        from flows.score import score as score_flow

        written = score_flow(
            path=str(path),
            backbones=backbone or None,
            num_frames=num_frames,
            mode=mode,
            precision=precision,
            device=device,
            to=_text(to),
        )
    for file, num_clips in written.items():
        Console().print(f"{file}: {num_clips} clips", markup=False, highlight=False, soft_wrap=True)


def evaluate(
    path: Data,
    backbone: Backbone = None,
    protocol: Annotated[
        Literal["synthetic", "real", "knn"] | None,
        typer.Option(help="Protocol of the paper. (default: the one that fits the data)"),
    ] = None,
    distractors: Annotated[
        Path | None, typer.Option(help="Folder of videos that are candidates and nobody's positive.")
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(help="Candidates of each query of SimMotion-Real; 1000 is the paper's 1K.", min=2),
    ] = None,
    vectors: Annotated[
        list[Path] | None,
        typer.Option(help="Parquet file of vectors that were computed elsewhere; may be repeated."),
    ] = None,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="The paper's Tables 4 and 5, too, from one pass.")
    ] = False,
    backwards: Annotated[
        bool, typer.Option("--backwards", help="Every reference played backwards is a candidate, too.")
    ] = False,
    k: Annotated[int, typer.Option(help="kNN: neighbours that vote.", min=1)] = 20,
    knn_weight: Annotated[
        Literal["cosine", "exponential"], typer.Option(help="kNN: weight of a vote.")
    ] = "cosine",
    knn_tie: Annotated[
        Literal["similarity", "label"], typer.Option(help="kNN: what decides between equal votes.")
    ] = "similarity",
    knn_index: Annotated[
        Literal["blocks", "faiss"], typer.Option(help="kNN: search by matrix products or by faiss.")
    ] = "blocks",
    num_frames: NumFrames = None,
    mode: Mode = "released",
    precision: Precision = "fp32",
    device: Device = None,
    to: To = None,
    json: Annotated[Path | None, typer.Option(help="Write the numbers to this file, too.")] = None,
) -> None:
    """Ask the paper's questions of a data set, with intervals, paired tests, ablations and a page."""
    with running(_STOPPED):
        from flows.evaluate import evaluate as evaluate_flow
        from flows.evaluation import write_json
        from flows.evaluation_tables import terminal_tables

        result, page = evaluate_flow(
            path=str(path),
            backbones=backbone or None,
            protocol=protocol,
            distractors=_text(distractors),
            candidates=candidates,
            vectors=[str(file) for file in vectors or []],
            ablation=ablation,
            backwards=backwards,
            k=k,
            knn_weight=knn_weight,
            knn_tie=knn_tie,
            knn_index=knn_index,
            num_frames=num_frames,
            mode=mode,
            precision=precision,
            device=device,
            to=_text(to),
        )
    if json is not None:
        write_json(result, json)
    Console().print(terminal_tables(result))
    Console().print(f"Page: {page}", markup=False, highlight=False, soft_wrap=True)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)

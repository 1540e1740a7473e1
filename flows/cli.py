"""The command ``simmotion``. It parses, calls, prints, and turns errors into one line and an exit code.

Exit codes: 0 done · 1 again later (a backend was away, the budget is spent) · 2 you fix it · 70 our bug ·
130 stopped.
Nothing heavy is imported before a command needs it, so that help and typing errors answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from data.errors import BackendUnavailable, BudgetReached, ConfigError, ContractError
from flows import (
    cli_annotate,
    cli_doctor,
    cli_estimate,
    cli_evaluate,
    cli_pace,
    cli_preference,
    cli_real,
    cli_retime,
)
from flows.terminal import console, prepare_environment, running
from moments.errors import FeatureError

app = typer.Typer(
    help="Motion-similarity triplets: generate them, prove them, store them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


app.command()(cli_real.build_real)
app.command()(cli_evaluate.score)
app.command()(cli_evaluate.evaluate)
app.add_typer(cli_annotate.app, name="annotate")
app.command()(cli_doctor.doctor)
app.command()(cli_estimate.estimate)
app.command()(cli_pace.pace)
app.command()(cli_retime.retime)
app.command()(cli_preference.preference)


_NO_MEMORY = (
    "this machine ran out of memory: close other programs and run the same command again; "
    "what is finished is kept"
)


class Layout(StrEnum):
    """Shapes in which a build leaves the house."""

    FOLDERS = "folders"
    PARQUET = "parquet"


Out = Annotated[Path, typer.Argument(help="Folder of a build.", show_default=False)]


def main() -> None:
    """Entry point of the command line."""
    try:
        app()
    except (ConfigError, FeatureError) as error:
        _leave(2, "error", error)
    except BackendUnavailable as error:
        _leave(1, "not available now", error)
    except BudgetReached as error:
        _leave(1, "stopped", error)
    except MemoryError:
        _leave(1, "not available now", _NO_MEMORY)
    except ContractError as error:
        _leave(70, "a bug in simmotion, please report it", error)


@app.command()
def build(
    recipe: Annotated[
        str, typer.Option(help="Bundled recipe (demo, rendered, local, paper) or a YAML file.")
    ] = "demo",
    out: Annotated[Path | None, typer.Option(help="Folder of the data set. (default: out/RECIPE)")] = None,
    per_category: Annotated[int | None, typer.Option(help="Triplets of each category.")] = None,
    categories: Annotated[str | None, typer.Option(help="Categories, separated by commas.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the plans.")] = None,
    size: Annotated[int | None, typer.Option(help="Width and height in pixels, a multiple of 16.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of a clip.")] = None,
    fps: Annotated[int | None, typer.Option(help="Frames a second.")] = None,
    workers: Annotated[int | None, typer.Option(help="Triplets worked on at a time.")] = None,
    runner: Annotated[str | None, typer.Option(help="What works on it: threads, dask or ray.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Address of a Dask or Ray cluster. (default: one on this machine)")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="Folder or URL (s3://BUCKET/PREFIX) of finished work, which runs may share."),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Stop before paying more than so many US dollars in all.", min=0)
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Make at most so many triplets now.", min=1)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made and its cost.")] = False,
    fork: Annotated[
        bool, typer.Option("--fork", help="Start beside a folder that belongs to another recipe.")
    ] = False,
) -> None:
    """Build a data set of triplets, or continue one that was stopped."""
    from flows.recipe import load_recipe

    chosen = categories.split(",") if categories is not None else None
    overrides: dict[str, Any] = {
        "per_category": per_category,
        "categories": chosen,
        "seed": seed,
        "size_px": size,
        "duration_seconds": seconds,
        "fps": fps,
        "workers": workers,
        "runner": runner,
        "cluster": cluster,
        "store": store,
        "budget_usd": budget,
    }
    resolved = load_recipe(recipe).overridden(**overrides)
    folder = out if out is not None else Path("out") / resolved.name
    if dry_run:
        from flows.estimate import print_estimate

        print_estimate(resolved, folder, limit, Console())
        return
    from flows.workspace import target_folder
    from generators.config import require_format

    require_format(resolved.video, resolved.clip_format)
    # A mistake is told before a server is started.
    target_folder(folder, resolved, fork=fork)
    prepare_environment()
    from flows.runners import require_extra

    require_extra(resolved)
    # Workers run side by side; torch splitting its small sums among them too would only make them wait.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with running(f"Stopped. The same command continues {folder}."):
        from flows.build_synthetic import build_synthetic
        from flows.summary import terminal_summary

        result = build_synthetic(recipe=recipe, out=str(folder), limit=limit, fork=fork, **overrides)
    Console().print(terminal_summary(result))
    if result.stopped:
        raise BudgetReached(result.stopped)
    if result.counts.num_failed:
        failed = f"{result.counts.num_failed} triplets failed"
        raise BackendUnavailable(f"{failed}; run the same command again. The last: {result.trouble}")


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the server on 127.0.0.1.")] = 4200,
) -> None:
    """Start a Prefect server and serve every deployment, until Ctrl-C."""
    prepare_environment()
    from flows.serve import up as serve_everything

    try:
        with console.status("starting Prefect"):
            pass
        serve_everything(port, _announce)
    except KeyboardInterrupt:
        console.print("Stopped.")


@app.command()
def verify(out: Out) -> None:
    """Check every hash and count of a finished build and name what differs."""
    from data.verify import verify as verify_folder

    findings = list(verify_folder(out))
    for finding in findings:
        console.print(str(finding), markup=False, highlight=False, soft_wrap=True)
    if findings:
        raise ConfigError(f"{out}: {len(findings)} things differ from the manifest")
    Console().print(f"{out}: every hash and count agrees with the manifest.")


@app.command()
def export(
    out: Out,
    to: Annotated[Path, typer.Option(help="New or empty folder to write to.")],
    layout: Annotated[
        Layout, typer.Option(help="Published folders of MP4 files, or Parquet.")
    ] = Layout.FOLDERS,
    real: Annotated[
        Path | None, typer.Option(help="Folder of a set of real clips, to go beside as one data set.")
    ] = None,
) -> None:
    """Write a finished build as the published folder layout, or as Parquet with its card."""
    from data.layout import export_both, export_folders, export_parquet

    match layout:
        case Layout.FOLDERS if real is not None:
            raise ConfigError("folders hold one data set: export each by itself, or use --layout parquet")
        case Layout.FOLDERS:
            export_folders(out, to)
        case Layout.PARQUET if real is not None:
            export_both(out, real, to)
        case Layout.PARQUET:
            export_parquet(out, to)
    Console().print(f"{to}: written.")


def _leave(code: int, kind: str, error: object) -> None:
    console.print(f"{kind}: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


def _announce(url: str, deployments: Sequence[str]) -> None:
    console.print(f"Prefect is at {url.removesuffix('/api')}. In another terminal:")
    console.print(f"  export PREFECT_API_URL={url}", highlight=False)
    for name in deployments:
        console.print(f"  prefect deployment run {name}", highlight=False)
    console.print("Ctrl-C stops the server and what it serves.")


if __name__ == "__main__":
    main()

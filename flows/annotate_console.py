"""What the commands of ``annotate`` share: the server they speak to and the lines they print.

Knows nothing of what is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from data.errors import ConfigError
from flows.terminal import console

if TYPE_CHECKING:
    from annotation.environment import Progress
    from annotation.push import Pushed
    from annotation.studio import Studio

StudyFolder = Annotated[
    Path, typer.Argument(metavar="STUDY", help="Folder of the study; holds passwords.", show_default=False)
]
Annotators = Annotated[Path, typer.Option(help="Text file, an e-mail address on each line.")]
Home = Annotated[
    Path | None,
    typer.Option(
        help="Where our own server keeps its data. (default: ~/.local/share/simmotion/label-studio)"
    ),
]


def home_folder(home: Path | None) -> Path:
    from annotation.server import default_home

    return default_home() if home is None else home


def connected(home: Path | None) -> Studio:
    from annotation.server import connect
    from annotation.studio import Studio

    return Studio(connect(home_folder(home)))


def addresses(path: Path) -> list[str]:
    """The lines of a text file. Raises ``ConfigError`` for any other file."""
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text: {error}") from error


@contextmanager
def telling() -> Iterator[Progress]:
    with console.status("connecting") as line:
        yield line.update


def tell(line: str) -> None:
    Console().print(line, markup=False, highlight=False, soft_wrap=True)


def tell_pushed(done: Pushed) -> None:
    """Everybody's account and address, and what was new. Lines, since a table cuts long addresses off."""
    for one in done.invitations:
        password = one.password or "their own"
        tell(f"{one.annotator}  {one.email}  password {password}  {one.num_tasks} tasks  {one.address}")
    tell(f"{done.num_new_tasks} new tasks, {done.num_new_clips} new clips.")

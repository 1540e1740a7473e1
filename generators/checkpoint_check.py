"""Whether a pipeline's checkpoint is at hand as a whole or can be had, without fetching or loading it.

It knows no pipeline.
"""

from __future__ import annotations

from pathlib import Path

from data.errors import ConfigError
from data.finding import Finding
from generators.checkpoint import Checkpoint, cached_checkpoint, commit_on_hub, find_checkpoint


def at_hand(source: str, revision: str | None, classes: tuple[str, ...] = ()) -> Checkpoint | None:
    """The checkpoint of a folder or of the hub's cache; None where a download would be needed.

    Raises ``ConfigError`` when it is not whole, or of another pipeline.
    """
    if Path(source).expanduser().is_dir() or cached_checkpoint(source, revision) is not None:
        return find_checkpoint(source, revision, classes)
    return None


def require(source: str, revision: str | None) -> None:
    """Raises ``ConfigError`` for a checkpoint that is not whole here, and that the hub cannot give either."""
    if at_hand(source, revision) is None:
        commit_on_hub(source, revision)


def check(name: str, source: str, revision: str | None, classes: tuple[str, ...] = ()) -> Finding:
    """Whether it is whole here, or could be fetched, as the line ``name``. Raises nothing."""
    try:
        found = at_hand(source, revision, classes)
        commit = "" if found else commit_on_hub(source, revision)
    except ConfigError as error:
        return Finding(name, False, str(error))
    if found is None:
        at = f" --revision {revision}" if revision else ""
        return Finding(
            name,
            False,
            f"{source} is neither a folder nor whole in the hub's cache; the hub has it, at {commit}",
            f"`hf download {source}{at}` now; else the first run does it, before its first clip",
        )
    return Finding(name, True, f"{source} is whole in {found.folder}")

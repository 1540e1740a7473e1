"""The folder of one run: who may write to it, which recipe it belongs to, where its parts lie.

Knows nothing of Prefect and nothing of how a triplet is made.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from data.disk import disk_errors, sweep_partial, write_atomically
from data.errors import ConfigError
from data.lock import RunLock
from data.remote_store import RemoteStore, open_store
from data.store import DIRECTORY, Store
from flows.recipe import Recipe

_CACHE = Path.home() / ".cache" / "simmotion" / "store"
_ABANDONED_SECONDS = 86_400.0
"""What nobody has written to for so long is left over, in a folder where other runs may be writing."""


class AnyRecipe(Protocol):
    """What a folder must know of the recipe that it belongs to."""

    @property
    def content(self) -> dict[str, Any]: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def store(self) -> str: ...


@dataclass(frozen=True)
class Workspace:
    """Paths below the output folder of a run, and its store, which may be elsewhere."""

    out: Path
    store_url: str = ""

    @property
    def store(self) -> Store:
        return _store(self.out, self.store_url)

    @property
    def shares_store(self) -> bool:
        """Whether other runs may be using the same store."""
        return bool(self.store_url)

    @property
    def ledger(self) -> Path:
        return self.out / "ledger.jsonl"

    @property
    def calls(self) -> Path:
        return self.out / "calls.jsonl"

    @property
    def rejects(self) -> Path:
        return self.out / "rejects.jsonl"

    @property
    def shards(self) -> Path:
        return self.out / "data"

    @property
    def manifest(self) -> Path:
        return self.out / "manifest.json"

    @property
    def card(self) -> Path:
        return self.out / "README.md"

    @property
    def report(self) -> Path:
        return self.out / "report" / "report.html"


def target_folder(out: Path, recipe: AnyRecipe, *, fork: bool = False) -> Path:
    """The folder that a build of ``recipe`` into ``out`` may write to. Looks only; writes nothing.

    With ``fork`` a folder that belongs to another recipe is left as it is and ``<out>-<fingerprint>``
    beside it is named instead.
    Raises ``ConfigError`` when the folder is a file, holds foreign files, or belongs to another recipe, and
    for a store's address that is none.
    """
    out = out.resolve()
    _store(out, recipe.store)
    if fork and _recorded(out) not in (None, recipe.content):
        out = out.with_name(f"{out.name}-{recipe.fingerprint[:8]}")
    with disk_errors(out):
        if out.exists() and not out.is_dir():
            raise ConfigError(f"{out} is a file: --out must name a folder, new or of an earlier build")
        if out.is_dir() and _recorded(out) is None and not _only_started(out):
            raise ConfigError(f"{out} holds files but no run.json of ours: choose an empty or new folder")
    _check_recipe(out, recipe)
    return out


def _store(out: Path, url: str) -> Store:
    if not url:
        return Store(out / DIRECTORY)
    # A worker on another machine has no such folder; there all runs share what was fetched.
    return _opened_store(url, out / DIRECTORY if out.is_dir() else _CACHE)


# Kept open: each would otherwise make connections of its own.
_opened_store = functools.cache(open_store)


@contextmanager
def claimed(out: Path, recipe: AnyRecipe, *, fork: bool = False) -> Iterator[Workspace]:
    """Hold the folder for one run of ``recipe``, new or continued; only one process holds it at a time.

    A fork starts from the artifacts that the folder it leaves has finished.
    Raises ``ConfigError`` as ``target_folder`` does, when another process holds the folder, and when the
    store refuses; ``BackendUnavailable`` when it does not answer.
    """
    parent, out = out.resolve(), target_folder(out, recipe, fork=fork)
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    with RunLock(out):
        _check_recipe(out, recipe)
        if parent != out and _recorded(out) is None and not recipe.store:
            _share_artifacts(parent, out)
        workspace = Workspace(out, recipe.store)
        _ready(workspace.store, shared=workspace.shares_store)
        sweep_partial(out)
        write_atomically(out / "run.json", _run_json(recipe).encode())
        yield workspace


def opened(out: Path) -> Workspace:
    """The folder of an earlier run, to be read. Raises ``ConfigError`` when there is none."""
    run = _run(out)
    if run is None:
        raise ConfigError(f"{out} holds no run (no run.json): build one with 'simmotion build --out {out}'")
    return Workspace(out.resolve(), run.get("store", ""))


def recorded_recipe(workspace: Workspace) -> Recipe:
    """The recipe that the folder was made with, as far as it decides the content."""
    return Recipe.model_validate(_recorded(workspace.out))


def _ready(store: Store, *, shared: bool) -> None:
    """Told before anything is made or paid: a store that refuses, or that cannot keep two runs apart."""
    if not isinstance(store, RemoteStore):
        store.sweep(_ABANDONED_SECONDS if shared else 0.0)
        return
    store.sweep()  # its cache is in the folder that this run holds
    if not store.check():
        warnings.warn(
            f"the service of {store.url} does not know conditional puts (If-None-Match): two runs at once "
            "may make, and pay for, the same things twice; let one run at a time use this store",
            stacklevel=2,
        )


def _recorded(out: Path) -> dict[str, Any] | None:
    run = _run(out)
    return None if run is None else run["recipe"]


def _run(out: Path) -> dict[str, Any] | None:
    try:
        run: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{out / 'run.json'} cannot be read: {error}") from error
    return run


def _run_json(recipe: AnyRecipe) -> str:
    run = {"fingerprint": recipe.fingerprint, "store": recipe.store, "recipe": recipe.content}
    return json.dumps(run, indent=2) + "\n"


def _check_recipe(out: Path, recipe: AnyRecipe) -> None:
    recorded = _recorded(out)
    if recorded is None or recorded == recipe.content:
        return
    keys = sorted(key for key in {*recorded, *recipe.content} if recorded.get(key) != recipe.content.get(key))
    changes = ", ".join(f"{key}: {recorded.get(key)} → {recipe.content.get(key)}" for key in keys)
    raise ConfigError(
        f"{out} belongs to another recipe ({changes}): use another --out, the recipe it was made with, "
        "or --fork to start a new folder beside it that shares the finished work"
    )


def _only_started(out: Path) -> bool:
    """A run that was killed before its first record leaves the lock alone."""
    return {entry.name for entry in out.iterdir()} <= {".lock"}


def _share_artifacts(parent: Path, child: Path) -> None:
    """Hard-link the finished artifacts: artifacts never change, so that sharing costs and risks nothing."""
    for part in ("blobs", "records"):
        source = parent / "store" / part
        if source.is_dir():
            shutil.copytree(source, child / "store" / part, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, destination: str) -> None:
    try:
        os.link(source, destination)
    except FileExistsError:
        return
    except OSError:  # another file system, or one without links
        shutil.copy2(source, destination)

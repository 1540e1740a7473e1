"""A pipeline's checkpoint in the format of diffusers: where it lies, which it is, and that it is whole.

It knows nothing of clips, and loads no weights.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from data.errors import ConfigError

WANTED = ["*.json", "*.safetensors", "*.txt", "*.model"]
NAMES_SHOWN = 5
HUB_TIMEOUT_SECONDS = 10
SAMPLED_BYTES = 1 << 20
"""Read from both ends of a weights file for its identity: a whole model of 70 GB would take minutes."""


@dataclass(frozen=True)
class Checkpoint:
    """``identity`` is ``<hub id>@<commit>``, or ``sha256:<hex>`` of a local folder."""

    source: str
    folder: Path
    identity: str

    @cached_property
    def index(self) -> dict[str, Any]:
        """model_index.json: the pipeline's class and its components."""
        return _read_json(self.folder / "model_index.json", self.source)

    def config(self, component: str) -> dict[str, Any]:
        name = "scheduler_config.json" if component == "scheduler" else "config.json"
        return _read_json(self.folder / component / name, self.source)

    def num_parameters(self, component: str) -> int:
        """Weights of a component, counted in the headers of its files; 0 where it has none."""
        return sum(_num_elements(path) for path in (self.folder / component).glob("*.safetensors"))


def find_checkpoint(source: str, revision: str | None, classes: tuple[str, ...] = ()) -> Checkpoint:
    """The checkpoint of a local folder, if there is one of that name, or else of a hub id, complete.

    The hub's cache is looked at first; the network is used only when it holds no whole copy.  ``classes``
    are the pipelines it may be of; any when empty.  Raises ``ConfigError`` naming what is missing.
    """
    folder = Path(source).expanduser()
    local = folder.is_dir()
    if not local:
        folder = cached_checkpoint(source, revision) or _downloaded(source, revision)
    missing = sorted([*missing_files(folder), *cut_files(folder)])
    if missing:
        raise ConfigError(
            f"{source}: {folder} lacks {len(missing)} files or parts of them: "
            f"{', '.join(missing[:NAMES_SHOWN])}; complete the folder, with `hf download {source} "
            "--force-download` if it is the hub's"
        )
    found = Checkpoint(source, folder, f"sha256:{_digest(folder)}" if local else f"{source}@{folder.name}")
    if classes and found.index.get("_class_name") not in classes:
        raise ConfigError(
            f"{source}: model_index.json names a {found.index.get('_class_name')}; expected "
            f"{' or '.join(classes)}"
        )
    return found


def cached_checkpoint(hub_id: str, revision: str | None) -> Path | None:
    """The hub cache's folder of a checkpoint, or None when it is not there as a whole."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(hub_id, revision=revision, local_files_only=True, allow_patterns=WANTED)
        )
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return None if any(missing_files(folder)) or any(cut_files(folder)) else folder


def identity_of(source: str, revision: str | None) -> str:
    """The ``identity`` that ``find_checkpoint`` gives, without fetching weights.

    A hub id that is not in the cache is asked of the hub, so that a run names what it makes alike before
    and after the download; with no answer it is ``<hub id>@<revision>``.
    """
    if Path(source).expanduser().is_dir():
        return find_checkpoint(source, revision).identity
    if cached := cached_checkpoint(source, revision):
        return f"{source}@{cached.name}"
    try:
        return f"{source}@{commit_on_hub(source, revision)}"
    except ConfigError:  # a name is all that is asked for here; who needs the weights says what is wrong
        return f"{source}@{revision or 'main'}"


def commit_on_hub(hub_id: str, revision: str | None) -> str:
    """The commit that the hub has under this id; ``ConfigError`` where it has none or cannot be asked."""
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError

    try:
        found = HfApi().model_info(hub_id, revision=revision, timeout=HUB_TIMEOUT_SECONDS)
    except (HFValidationError, OSError, httpx2.HTTPError) as error:
        raise ConfigError(_not_to_be_had(hub_id, revision, error)) from error
    return found.sha or revision or "main"


def missing_files(folder: Path) -> Iterator[str]:
    """Files that a checkpoint must have and ``folder`` lacks, as paths in it."""
    if not (folder / "model_index.json").is_file():
        yield "model_index.json"
        return
    index = _read_json(folder / "model_index.json", str(folder))
    for component, made_of in index.items():
        if component.startswith("_") or not isinstance(made_of, list) or made_of[0] is None:
            continue
        inside = folder / component
        if not inside.is_dir():
            yield f"{component}/"
            continue
        for shards in inside.glob("*.safetensors.index.json"):
            for shard in sorted(set(_read_json(shards, str(folder))["weight_map"].values())):
                if not (inside / shard).is_file():
                    yield f"{component}/{shard}"
        # A component with a model's config has weights; schedulers and tokenizers have neither.
        if (inside / "config.json").is_file() and not any(inside.glob("*.safetensors*")):
            yield f"{component}/*.safetensors"


def cut_files(folder: Path) -> Iterator[str]:
    """Weights files of a checkpoint that end before their header says, as paths in it with what is wrong."""
    for path in sorted(folder.glob("*/*.safetensors")):
        size = path.stat().st_size
        try:
            expected = _num_bytes(path)
        except (ValueError, KeyError, TypeError, AttributeError):
            yield f"{path.relative_to(folder)} (no header of safetensors)"
            continue
        if size != expected:
            yield f"{path.relative_to(folder)} ({size:,} of {expected:,} bytes)"


def file_digest(path: Path) -> str:
    """SHA-256 in hex over a file's size and both its ends."""
    size = path.stat().st_size
    digest = hashlib.sha256(f"{size}\n".encode())
    with path.open("rb") as file:
        digest.update(file.read(SAMPLED_BYTES))
        file.seek(max(SAMPLED_BYTES, size - SAMPLED_BYTES))
        digest.update(file.read(SAMPLED_BYTES))
    return digest.hexdigest()


@contextmanager
def quiet_loading() -> Iterator[None]:
    """No progress bars and no advice of diffusers and transformers while weights are read from a disk."""
    from diffusers.utils import logging as of_diffusers
    from transformers.utils import logging as of_transformers

    found: list[tuple[Any, int]] = []
    for untyped in (of_diffusers, of_transformers):
        library: Any = untyped
        found.append((library, library.get_verbosity()))
        library.set_verbosity_error()
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library, verbosity in found:
            library.set_verbosity(verbosity)
            library.enable_progress_bar()


def first_line_of(error: Exception) -> str:
    """What an error says, without the advice that libraries put below."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _downloaded(hub_id: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=WANTED))
    except Exception as error:
        raise ConfigError(_not_to_be_had(hub_id, revision, error)) from error


def _not_to_be_had(hub_id: str, revision: str | None, error: Exception) -> str:
    from huggingface_hub import constants

    at = f" --revision {revision}" if revision else ""
    return (
        f"{hub_id}{at}: no such folder here, not whole in the cache {constants.HF_HUB_CACHE}, and not "
        f"to be had from the hub ({type(error).__name__}: {first_line_of(error)}). Two ways out: on a "
        f"machine with network run `hf download {hub_id}{at}` (after `hf auth login` where a licence "
        f"must be accepted) and copy models--{hub_id.replace('/', '--')} from its cache to this one; or "
        "name a local folder"
    )


def _digest(folder: Path) -> str:
    """SHA-256 in hex over the JSON files, and over sizes and both ends of the weights."""
    whole = hashlib.sha256()
    for path in sorted([*folder.rglob("*.json"), *folder.rglob("*.safetensors")]):
        whole.update(f"{path.relative_to(folder)}\0{file_digest(path)}\n".encode())
    return whole.hexdigest()


def _num_bytes(path: Path) -> int:
    """Length that a safetensors file must have."""
    length, header = _header(path)
    return 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)


def _num_elements(path: Path) -> int:
    """Elements of all tensors of a safetensors file."""
    return sum(math.prod(entry["shape"]) for entry in _header(path)[1].values())


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """The header's length and the entries of the tensors: it is JSON behind its length in 8 bytes."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        # A file of anything else would ask for exabytes here.
        if length > path.stat().st_size:
            raise ValueError("the header is longer than the file")
        header = json.loads(file.read(length))
    return length, {name: entry for name, entry in header.items() if name != "__metadata__"}


def _read_json(path: Path, source: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{source}: {path} cannot be read ({error}); give a complete checkpoint") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{source}: {path} holds {type(content).__name__}, expected an object")
    return content

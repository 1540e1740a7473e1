"""A checkpoint: where a model's weights lie, and which they are.

It knows nothing of frames or features, nor of any single family of models.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from moments.errors import BackboneError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WANTED = ["*.json", "*.safetensors"]
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Checkpoint:
    """Weights and config at hand: ``source`` as it was asked for, ``folder`` where the files lie.

    ``identity`` is ``<hub id>@<commit>``, or ``sha256:<hex>`` over a local folder's config and weights.
    """

    source: str
    folder: Path
    identity: str
    config: dict[str, Any]


def find_checkpoint(source: str, revision: str | None, model_types: tuple[str, ...]) -> Checkpoint:
    """The checkpoint of a local folder, if there is one of that name, or else of a hub id.

    The hub's cache is looked at first; the network is used only when it holds no complete copy.  Raises
    ``BackboneError`` when there are no files, no safetensors, or the config is of another model.
    """
    folder = Path(source).expanduser()
    local = folder.is_dir()
    if not local:
        folder = cached_snapshot(source, revision) or downloaded_snapshot(source, revision)
    config = read_config(folder, source)
    if config.get("model_type") not in model_types:
        raise BackboneError(
            f"{source}: config.json says model_type {config.get('model_type')!r}, expected "
            f"{' or '.join(map(repr, model_types))}; give a checkpoint of that model, or another name"
        )
    require_safetensors(folder, source)
    # The hub's folder of a snapshot is named by its commit, which a branch or tag does not pin.
    identity = f"sha256:{folder_digest(folder)}" if local else f"{source}@{folder.name}"
    return Checkpoint(source, folder, identity, config)


def load(
    checkpoint: Checkpoint,
    model_class: type[PreTrainedModel],
    dtype: torch.dtype,
    other_parts: tuple[str, ...] = (),
    renamed: dict[str, str] | None = None,
) -> PreTrainedModel:
    """The frozen model in eval mode; every weight it has comes from the checkpoint.

    ``other_parts`` are prefixes of weights that the file may hold for parts that are not loaded, such as a
    text tower or a classifier; ``renamed`` maps patterns of the file's names to the model's.  Raises
    ``BackboneError`` naming missing, unexpected and mismatched weights.
    """
    with quiet_transformers():
        try:
            # Mismatched shapes are let through here only to be named below together with the rest.
            loaded: Any = model_class.from_pretrained(
                checkpoint.folder,
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                key_mapping=renamed,
            )
        except Exception as error:
            raise BackboneError(
                f"{checkpoint.source}: {model_class.__name__} cannot be made of {checkpoint.folder}: {error}"
            ) from error
    model, report = loaded
    faults = {
        "missing": sorted(report["missing_keys"]),
        "unexpected": sorted(key for key in report["unexpected_keys"] if not key.startswith(other_parts)),
        "of another shape": sorted(
            f"{key} {tuple(found)}, expected {tuple(wanted)}"
            for key, found, wanted in report["mismatched_keys"]
        ),
    }
    if any(faults.values()):
        told = "; ".join(f"{kind}: {shortened(names)}" for kind, names in faults.items() if names)
        raise BackboneError(
            f"{checkpoint.source}: the weights in {checkpoint.folder} are not those of a "
            f"{model_class.__name__} with this config.json ({told}); give a complete, unchanged checkpoint"
        )
    frozen: PreTrainedModel = model.eval().requires_grad_(False)
    return frozen


def cached_snapshot(hub_id: str, revision: str | None) -> Path | None:
    """The hub cache's folder of a checkpoint, or None when it lacks the config or the weights."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(hub_id, revision=revision, local_files_only=True, allow_patterns=WANTED)
        )
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    # A download of the config alone leaves a snapshot, too.
    return folder if (folder / "config.json").exists() and has_safetensors(folder) else None


def downloaded_snapshot(hub_id: str, revision: str | None) -> Path:
    """The folder of a checkpoint after its download to the hub's cache; raises ``BackboneError``."""
    from huggingface_hub import constants, snapshot_download

    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=WANTED))
    except Exception as error:
        at = f" --revision {revision}" if revision else ""
        raise BackboneError(
            f"{hub_id}{at}: no such folder here, not in the cache {constants.HF_HUB_CACHE}, and not to be "
            f"had from the hub ({type(error).__name__}: {first_line(error)}). Two ways out: on a machine "
            f"with network run `hf download {hub_id}{at}` (after `hf auth login` where a licence must be "
            f"accepted) and copy models--{hub_id.replace('/', '--')} from its cache to this one; or give a "
            f"local folder with config.json and *.safetensors, as NAME=FOLDER"
        ) from error


def read_config(folder: Path, source: str) -> dict[str, Any]:
    """The folder's config.json; raises ``BackboneError`` when there is none, or none that can be read."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackboneError(
            f"{source}: {folder / 'config.json'} cannot be read ({error}); give the folder of a checkpoint, "
            f"in which config.json and model.safetensors lie side by side"
        ) from error
    if not isinstance(config, dict):
        raise BackboneError(
            f"{source}: {folder / 'config.json'} holds {type(config).__name__}, expected an object"
        )
    return config


def require_safetensors(folder: Path, source: str) -> None:
    """Raises ``BackboneError`` when the folder holds no weights as safetensors: pickled ones run code."""
    if has_safetensors(folder):
        return
    others = sorted(path.name for kind in ("*.bin", "*.pt", "*.pth", "*.h5") for path in folder.glob(kind))
    if not others:
        raise BackboneError(
            f"{source}: no model.safetensors in {folder}, nor any other weights; complete the folder, with "
            f"`hf download {source}` if it is the hub's"
        )
    raise BackboneError(
        f"{source}: no model.safetensors in {folder}, only {shortened(others)}; weights are read as "
        f"safetensors only: convert them with save_pretrained(), or name a revision that holds converted "
        f"ones (the hub's bot offers them as refs/pr/N)"
    )


def has_safetensors(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("model.safetensors", "model.safetensors.index.json"))


def folder_digest(folder: Path) -> str:
    """SHA-256 in hex over names and bytes of config.json and the weights, which decide the features."""
    whole = hashlib.sha256()
    for path in [folder / "config.json", *sorted(folder.glob("*.safetensors"))]:
        with path.open("rb") as file:
            whole.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bar and no report of a load that is judged and told here."""
    from transformers.utils import logging

    untyped: Any = logging
    verbosity, bar = untyped.get_verbosity(), untyped.is_progress_bar_enabled()
    untyped.set_verbosity_error()
    untyped.disable_progress_bar()
    try:
        yield
    finally:
        untyped.set_verbosity(verbosity)
        if bar:
            untyped.enable_progress_bar()


def shortened(names: list[str]) -> str:
    rest = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]

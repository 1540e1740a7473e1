"""A finished build asked for once more: nothing is looked for again when all of it is there. No Prefect.

``summary.json`` in the folder keeps what the run came to, and names the manifest that it speaks of.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from data import manifest
from data.disk import file_sha256, write_atomically
from data.errors import ConfigError
from data.schema import Blob, Role
from data.shards import read_rows
from flows.recipe import Recipe
from flows.summary import RunSummary
from flows.workspace import Workspace

FILENAME = "summary.json"


class _Kept(BaseModel):
    manifest_sha256: str
    summary: dict[str, Any]


_SUMMARIES = TypeAdapter(RunSummary)


def keep(workspace: Workspace, summary: RunSummary) -> None:
    """Write down what the run came to; the manifest and the page are there already."""
    content = _SUMMARIES.dump_python(summary, mode="json")
    kept = _Kept(manifest_sha256=file_sha256(workspace.manifest), summary=content)
    write_atomically(workspace.out / FILENAME, kept.model_dump_json(indent=1).encode())


def finished(workspace: Workspace, recipe: Recipe) -> RunSummary | None:
    """What the run came to, if nothing is left to do: every triplet settled, every shard and clip whole.

    None for anything else, damage included: then the build goes its usual way, which mends what it can.
    """
    path = workspace.out / FILENAME
    try:
        kept = _Kept.model_validate_json(path.read_bytes())
        facts = manifest.read(workspace.manifest)
        if kept.manifest_sha256 != file_sha256(workspace.manifest):
            return None
        if facts.recipe_fingerprint != recipe.fingerprint or facts.counts.num_failed or facts.counts.pending:
            return None
        if not _whole(workspace, facts) or not workspace.report.is_file() or not workspace.card.is_file():
            return None
        summary: RunSummary = _SUMMARIES.validate_python(kept.summary)
    except (OSError, ValidationError, ConfigError):
        return None
    return summary


def _whole(workspace: Workspace, facts: manifest.Manifest) -> bool:
    """Shards by their hashes, and so the clips that the store beside them keeps."""
    paths = [workspace.out / shard.path for shard in facts.shards]
    if any(file_sha256(path) != shard.sha256 for path, shard in zip(paths, facts.shards, strict=True)):
        return False
    if workspace.store_url:  # elsewhere, and for others too: the shards hold all that was asked for
        return True
    names = [f"{role}_sha256" for role in Role]
    clips = {row[name] for row in read_rows(paths, names) for name in names}
    blobs = ((workspace.store.path(Blob(sha256, 0, ".mp4")), sha256) for sha256 in clips)
    return all(path.is_file() and file_sha256(path) == sha256 for path, sha256 in blobs)

"""What stands after ``--backbone``: a name, perhaps weights and a revision; and the embedder it means."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from data.errors import ConfigError

if TYPE_CHECKING:
    from moments.embedder import Embedder


@dataclass(frozen=True)
class BackboneSpec:
    """``NAME``, ``NAME=FOLDER``, ``NAME=HUB/ID`` or ``NAME=HUB/ID@REVISION``, taken apart."""

    name: str
    checkpoint: str | None = None
    revision: str | None = None

    @property
    def weights(self) -> str:
        """What stood after the equals sign; empty for the name's own weights."""
        return "@".join(filter(None, (self.checkpoint, self.revision)))


def parse_backbone(text: str) -> BackboneSpec:
    """Raises ``ConfigError`` for a text of another form."""
    name, equals, checkpoint = text.partition("=")
    if not name or (equals and not checkpoint):
        raise ConfigError(
            f"backbone {text!r}: expected NAME, NAME=FOLDER, NAME=HUB/ID or NAME=HUB/ID@REVISION, "
            "as in dinov2-base or dinov2-base=./weights"
        )
    if Path(checkpoint).expanduser().exists():
        return BackboneSpec(name, checkpoint or None)
    source, _, revision = checkpoint.partition("@")
    return BackboneSpec(name, source or None, revision or None)


@dataclass(frozen=True)
class Options:
    """How a backbone is run; see ``moments.backbones.catalogue.build_embedder``."""

    num_frames: int | None = None
    mode: Literal["released", "native"] = "released"
    precision: Literal["fp32", "bf16"] = "fp32"
    device: str = "cpu"

    @property
    def on_gpu(self) -> bool:
        return self.device != "cpu"


def embedder(spec: BackboneSpec, options: Options) -> Embedder:
    """The embedder of a backbone. Its weights are found and not yet loaded.

    Raises ``BackboneError`` for an unknown name and for weights that cannot be had.
    """
    from moments.backbones.catalogue import build_embedder

    return build_embedder(
        spec.name, checkpoint=spec.checkpoint, revision=spec.revision, **dataclasses.asdict(options)
    )

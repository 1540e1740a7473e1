"""Backbones by name: which checkpoint, how many frames, and what tables call them.

It knows nothing of how any of them computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

import torch

from moments.backbones.checkpoint import find_checkpoint
from moments.backbones.external import GROUP, build_external, external_names
from moments.backbones.family import Family, FrozenModel
from moments.backbones.image import (
    CLIP4CLIP,
    DINOV2,
    DINOV2_WITH_REGISTERS,
    DINOV3,
    SIGLIP,
    SIGLIP_POOLED,
    ImageEmbedder,
)
from moments.backbones.preprocessing import Mode
from moments.backbones.video import (
    TIMESFORMER,
    VIDEOMAE,
    VIDEOPRISM,
    VJEPA2,
    XCLIP,
    VideoEmbedder,
)
from moments.classical import CLASSICAL, build_classical
from moments.embedder import Embedder, Precision
from moments.errors import BackboneError

ALIASES = {"dinov2": "dinov2-with-registers-large"}
"""The paper says DINOv2; its authors' code says which."""


@dataclass(frozen=True)
class Entry:
    """One name: its family, the checkpoint it means unless another is given, and its title in tables."""

    family: Family
    hub_id: str
    title: str


DINOV2_SIZES = {"small": "S", "base": "B", "large": "L", "giant": "g"}
DINOV3_SIZES = {"small": "S", "base": "B", "large": "L"}

IMAGE_BACKBONES: dict[str, Entry] = {
    **{
        f"dinov2-{size}": Entry(DINOV2, f"facebook/dinov2-{size}", f"DINOv2-{letter}/14")
        for size, letter in DINOV2_SIZES.items()
    },
    **{
        name: Entry(DINOV2_WITH_REGISTERS, f"facebook/{name}", f"DINOv2-{letter}/14 + registers")
        for size, letter in DINOV2_SIZES.items()
        for name in [f"dinov2-with-registers-{size}"]
    },
    **{
        f"dinov3-{size}": Entry(
            DINOV3, f"facebook/dinov3-vit{letter.lower()}16-pretrain-lvd1689m", f"DINOv3-{letter}/16"
        )
        for size, letter in DINOV3_SIZES.items()
    },
    "siglip2": Entry(SIGLIP, "google/siglip2-base-patch16-512", "SigLIP 2-B/16"),
    "siglip2-pooled": Entry(SIGLIP_POOLED, "google/siglip2-base-patch16-512", "SigLIP 2-B/16 pooled"),
    "clip4clip": Entry(CLIP4CLIP, "Searchium-ai/clip4clip-webvid150k", "CLIP4Clip-B/32"),
}
VIDEO_BACKBONES: dict[str, Entry] = {
    "videomae": Entry(VIDEOMAE, "MCG-NJU/videomae-base-finetuned-kinetics", "VideoMAE-B"),
    "vjepa2": Entry(VJEPA2, "facebook/vjepa2-vitl-fpc64-256", "V-JEPA 2-L"),
    "videoprism": Entry(VIDEOPRISM, "google/videoprism-base-f16r288", "VideoPrism-B"),
    "timesformer": Entry(TIMESFORMER, "facebook/timesformer-base-finetuned-k400", "TimeSformer-B"),
    "xclip": Entry(XCLIP, "microsoft/xclip-base-patch32", "X-CLIP-B/32"),
}


def embedder_names() -> list[str]:
    """Every name that ``build_embedder`` takes, those of installed packages last."""
    return [*CLASSICAL, *ALIASES, *IMAGE_BACKBONES, *VIDEO_BACKBONES, *external_names()]


def default_device() -> str:
    """The accelerator of this machine, or its processor."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def build_embedder(
    name: str,
    *,
    checkpoint: str | None = None,
    revision: str | None = None,
    num_frames: int | None = None,
    mode: Mode = "released",
    precision: Precision = "fp32",
    device: str = "cpu",
) -> Embedder:
    """The embedder of a name; its weights are found, from the hub if need be, and not yet loaded.

    ``checkpoint`` is a local folder or a hub id in place of the name's own, ``revision`` a branch, tag or
    commit of the hub.  ``num_frames`` None is 32, or what the checkpoint's config says where the model takes
    just that many.  Descriptors without weights heed ``num_frames`` alone, and take every frame without it.

    Raises ``BackboneError`` for an unknown name, for weights that cannot be had or are of another model, and
    for a number of frames that the model does not take.
    """
    name = ALIASES.get(name, name)
    if name in CLASSICAL:
        return build_classical(name, num_frames)
    entry = IMAGE_BACKBONES.get(name) or VIDEO_BACKBONES.get(name)
    if entry is None:
        require_external(name)
        return build_external(
            name,
            checkpoint=checkpoint,
            revision=revision,
            num_frames=num_frames,
            mode=mode,
            precision=precision,
            device=device,
        )
    found = find_checkpoint(checkpoint or entry.hub_id, revision, entry.family.model_types)
    model = FrozenModel(entry.family, found, mode, precision, device)
    embedder = ImageEmbedder if name in IMAGE_BACKBONES else VideoEmbedder
    return embedder(model, name=name, title=entry.title, num_frames=num_frames)


def require_external(name: str) -> None:
    """Raises ``BackboneError`` with the nearest name and all of them, unless a package brings this one."""
    if name in external_names():
        return
    nearest = get_close_matches(name, embedder_names(), n=1)
    raise BackboneError(
        f"{name}: no backbone of this name{f'; did you mean {nearest[0]}?' if nearest else '.'} "
        f"There are {', '.join(embedder_names())}; a package brings others by the entry point {GROUP}"
    )

"""Image backbones: every frame by itself, one feature vector a patch.

It knows nothing of names and hub ids, and nothing of time: in fp32 the features of a frame are the same in
any clip, and in bf16 their rounding alone is not, see ``reference``.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from moments.backbones.family import CLIP_MEAN, CLIP_STD, Family, FrozenModel, Grid, image_grid
from moments.backbones.preprocessing import RELEASED_PX, prepared
from moments.backbones.reference import Reference
from moments.embedder import EmbedderFacts, Part, Precision

FRAMES_PER_FORWARD = 1
"""Over all clips of a batch; on a CPU larger ones gain nothing, and activations grow with them."""
FRAMES_PER_FORWARD_ON_GPU = 256
"""Fills a large accelerator with the smaller models; a batch of clips that is too large is halved."""

REVISIONS: dict[Precision, int] = {"fp32": 1, "bf16": 2}
"""Since the second, products in bf16 are of differences from a clip's first frame."""


def patches_after_class(model: Any, pixels: Tensor) -> Tensor:
    """Last hidden state, after the final norm, without the class token and the registers that come first."""
    # A config of a family without registers has no such entry.
    registers = getattr(model.config, "num_register_tokens", 0)
    tokens: Tensor = model(pixel_values=pixels).last_hidden_state
    return tokens[:, 1 + registers :]


def all_tokens(model: Any, pixels: Tensor) -> Tensor:
    """Last hidden state of a model without any token but the patches'."""
    tokens: Tensor = model(pixel_values=pixels).last_hidden_state
    return tokens


def projected_frame(model: Any, pixels: Tensor) -> Tensor:
    """A frame's unit vector in CLIP's joint space, as its only patch: CLIP4Clip averages these over time."""
    vectors: Tensor = model(pixel_values=pixels).image_embeds
    return torch.nn.functional.normalize(vectors, dim=-1)[:, None]


def pooled_frame(model: Any, pixels: Tensor) -> Tensor:
    """A frame's vector from SigLIP's attention pooling, as its only patch: as the SPF's authors compare."""
    vectors: Tensor = model(pixel_values=pixels).pooler_output
    return vectors[:, None]


def whole_picture(config: Any) -> Grid:
    """One patch, the picture: for models that give one vector a frame."""
    side_px = image_grid(config).image_px
    return Grid(image_px=side_px, patch_px=side_px)


# The configs of DINOv2 say 518 px, of the last stage of training; the authors feed it 224 px.
DINOV2 = Family(
    "Dinov2Model",
    ("dinov2",),
    patches_after_class,
    filter="bicubic",
    released_px=RELEASED_PX,
    other_parts=("classifier.",),
)
DINOV2_WITH_REGISTERS = Family(
    "Dinov2WithRegistersModel",
    ("dinov2_with_registers",),
    patches_after_class,
    filter="bicubic",
    released_px=RELEASED_PX,
    other_parts=("classifier.",),
)
DINOV3 = Family("DINOv3ViTModel", ("dinov3_vit",), patches_after_class)
SIGLIP = Family(
    "SiglipVisionModel",
    ("siglip", "siglip_vision_model"),
    all_tokens,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    other_parts=("text_model.", "logit_scale", "logit_bias"),
)
# As the authors' loader, open_clip, prepares it: squashed at once, bicubic.
SIGLIP_POOLED = replace(SIGLIP, tokens=pooled_frame, grid=whole_picture, filter="bicubic", squashed_once=True)
CLIP4CLIP = Family(
    "CLIPVisionModelWithProjection",
    ("clip", "clip_vision_model"),
    projected_frame,
    grid=whole_picture,
    mean=CLIP_MEAN,
    std=CLIP_STD,
    filter="bicubic",
    other_parts=("text_model.", "text_projection.", "logit_scale"),
)


class ImageEmbedder:
    """An image backbone over the frames of clips; see ``Embedder`` for the contract.

    ``num_frames`` None is 32.  Raises ``BackboneError`` for less than one frame.
    """

    def __init__(self, model: FrozenModel, *, name: str, title: str, num_frames: int | None = None) -> None:
        self._model = model
        revision = REVISIONS[model.precision]
        self._facts = model.facts(name, title, num_frames, frame_wise=True, revision=revision)

    @property
    def facts(self) -> EmbedderFacts:
        return self._facts

    def open(self) -> None:
        self._model.open()

    def prepare(self, frames: npt.NDArray[np.uint8]) -> Tensor:
        """uint8 (T, H, W, 3) -> uint8 (T, 3, h, h)."""
        return prepared(frames, self._model.preprocessing)

    def parts(self, clips: Tensor) -> Sequence[Part]:
        """uint8 (B, T, 3, h, h) -> float32 (B, t, P, D), ``FRAMES_PER_FORWARD`` over B·t at a time."""
        self._model.check_clips(clips)
        at_once = FRAMES_PER_FORWARD if self._model.on_cpu else FRAMES_PER_FORWARD_ON_GPU
        # More clips than frames per forward leave one frame of each, in several forwards.
        groups = [_Group(self._model, group) for group in torch.split(clips, at_once)]
        frames, step = clips.shape[1], max(1, at_once // len(clips))
        return [partial(_joined, groups, at, min(at + step, frames)) for at in range(0, frames, step)]


class _Group:
    """Clips that go through the model together, in bf16 against their first frame, which goes once."""

    def __init__(self, model: FrozenModel, clips: Tensor) -> None:
        self._model = model
        self._clips = clips
        self._lock = threading.Lock()
        self._first: tuple[Tensor, Reference] | None = None

    def features(self, begin: int, end: int) -> Tensor:
        """float32 (B, t, P, D) of these frames; those of several threads wait for the first."""
        if self._model.precision == "fp32":
            return self._tokens(begin, end, None)
        with self._lock:
            if self._first is None:
                reference: Reference = {}
                self._first = self._tokens(0, 1, reference), reference
        first, reference = self._first
        if end == 1:
            return first
        later = self._tokens(max(begin, 1), end, reference)
        return later if begin else torch.cat([first, later], dim=1)

    def _tokens(self, begin: int, end: int, reference: Reference | None) -> Tensor:
        frames = self._clips[:, begin:end]
        tokens = self._model.tokens(frames.flatten(0, 1), self._model.patches, reference)
        return tokens.reshape(*frames.shape[:2], self._model.patches, -1)


def _joined(groups: Sequence[_Group], begin: int, end: int) -> Tensor:
    return torch.cat([group.features(begin, end) for group in groups])

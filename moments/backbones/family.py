"""A family of checkpoints: what all sizes of one architecture share, and one of them loaded and frozen.

It knows nothing of clips or of time; every single family is described in ``image`` and ``video``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from moments.backbones.checkpoint import Checkpoint, load
from moments.backbones.preprocessing import (
    RELEASED_PX,
    Colour,
    Filter,
    Mode,
    Preprocessing,
    normalised,
)
from moments.backbones.reference import Reference, against, with_references
from moments.embedder import EmbedderFacts, Precision
from moments.errors import BackboneError, FeatureError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)

DEFAULT_FRAMES = 32
"""As the paper samples wherever a model takes any number."""


@dataclass(frozen=True)
class Grid:
    """What a config says of a model's input: size and patches in pixels, patches in time in frames.

    ``num_frames`` is None where a model takes as many frames as it gets.
    """

    image_px: int
    patch_px: int
    patch_frames: int = 1
    num_frames: int | None = None

    def frames(self, wanted: int | None) -> int:
        """How many frames are sampled; raises ``BackboneError`` for a number that the model does not take."""
        frames = wanted if wanted is not None else self.num_frames or DEFAULT_FRAMES
        fixed = self.num_frames is not None and frames != self.num_frames
        if frames < 1 or frames % self.patch_frames or fixed:
            takes = str(self.num_frames) if self.num_frames else f"a multiple of {self.patch_frames}"
            raise BackboneError(f"the model takes {takes} frames, got {frames}; give such a number, or none")
        return frames

    def patches(self, side_px: int) -> int:
        """Patches P of a square picture."""
        return (side_px // self.patch_px) ** 2


def image_grid(config: Any) -> Grid:
    """The grid of a config with ``image_size`` and ``patch_size``."""
    return Grid(image_px=one_number(config.image_size), patch_px=one_number(config.patch_size))


def one_number(side: int | list[int] | tuple[int, ...]) -> int:
    """A config's side length, which may be written as [height, width]; raises when they differ."""
    if isinstance(side, int):
        return side
    if len(set(side)) != 1:
        raise BackboneError(f"config.json says {list(side)} px; expected a square: no other is supported")
    return side[0]


@dataclass(frozen=True)
class Family:
    """One architecture of ``transformers``, with the pixels it was trained on.

    ``tokens`` runs the model: float pixels, (N, 3, h, w) for images and (B, T, 3, h, w) for videos, to the
    features of patches (N or B, tokens, D), moment by moment, and nothing else.  ``released_px`` is the input
    of ``released`` mode where that is not the config's size; ``short_side`` over the crop is the margin that
    the model's processor cuts off.  ``squashed_once`` is for authors who squash frames to the model's size in
    one step, with the family's filter.  ``other_parts`` are prefixes of weights that are rightly left unread;
    ``inside`` is that of the model's own where ``transformers`` does not find them by itself.
    """

    model_class: str
    model_types: tuple[str, ...]
    tokens: Callable[[Any, Tensor], Tensor]
    grid: Callable[[Any], Grid] = image_grid
    mean: Colour = IMAGENET_MEAN
    std: Colour = IMAGENET_STD
    filter: Filter = "bilinear"
    released_px: int | None = None
    short_side: float = 1.0
    squashed_once: bool = False
    other_parts: tuple[str, ...] = ()
    inside: str | None = None

    def preprocessing(self, grid: Grid, mode: Mode) -> Preprocessing:
        released = mode == "released"
        crop_px = self.released_px if released and self.released_px else grid.image_px
        return Preprocessing(
            squash_px=RELEASED_PX if released and not self.squashed_once else None,
            short_side_px=int(crop_px * self.short_side),
            crop_px=crop_px,
            filter=self.filter,
            mean=self.mean,
            std=self.std,
            keeps_aspect=not (released and self.squashed_once),
        )


class FrozenModel:
    """A checkpoint of a family with one preprocessing, precision and device; ``open`` loads it, once.

    Making one reads config.json only.  Raises ``BackboneError`` when the config is not the family's.
    """

    def __init__(
        self, family: Family, checkpoint: Checkpoint, mode: Mode, precision: Precision, device: str
    ) -> None:
        self.family = family
        self.checkpoint = checkpoint
        self.precision = precision
        self.device = device
        self.grid = family.grid(self._config())
        self.preprocessing = family.preprocessing(self.grid, mode)
        self.patches = self.grid.patches(self.preprocessing.crop_px)
        self._model: Any = None

    @property
    def on_cpu(self) -> bool:
        return torch.device(self.device).type == "cpu"

    def facts(
        self, name: str, title: str, num_frames: int | None, *, frame_wise: bool, revision: int = 1
    ) -> EmbedderFacts:
        """Facts of an embedder of this model; raises ``BackboneError`` as ``Grid.frames`` does."""
        try:
            frames = self.grid.frames(num_frames)
        except BackboneError as error:
            raise BackboneError(f"{name}: {error}") from error
        return EmbedderFacts(
            name=name,
            title=title,
            weights=self.checkpoint.identity,
            num_frames=frames,
            preprocessing=str(self.preprocessing),
            precision=self.precision,
            revision=revision,
            frame_wise=frame_wise,
        )

    def open(self) -> None:
        """Raises ``BackboneError`` when the weights are not the model's, or the device is not there."""
        if self._model is not None:
            return
        family = self.family
        renamed = {f"^{re.escape(family.inside)}": ""} if family.inside else None
        model: Any = load(self.checkpoint, self._class(), torch.float32, family.other_parts, renamed)
        if self.precision == "bf16":
            with_references(model)
        try:
            self._model = model.to(self.device)
        except (RuntimeError, AssertionError) as error:
            raise BackboneError(
                f"{self.checkpoint.source}: device {self.device!r} takes no model ({error}); "
                f"give device 'cpu', or install a torch for that device"
            ) from error

    def check_clips(self, clips: Tensor) -> None:
        """Raises ``FeatureError`` unless clips are uint8 (B, T, 3, h, w) as ``prepare`` makes them."""
        side_px = self.preprocessing.crop_px
        if clips.dtype != torch.uint8 or clips.ndim != 5 or clips.shape[2:] != (3, side_px, side_px):
            raise FeatureError(
                f"{self.checkpoint.source}: clips are {clips.dtype} {tuple(clips.shape)}; expected uint8 "
                f"(B, T, 3, {side_px}, {side_px}): stack what prepare() returns"
            )

    @torch.inference_mode()
    def tokens(self, pixels: Tensor, expected: int, reference: Reference | None = None) -> Tensor:
        """Features of prepared pixels: uint8 (N, …, 3, h, w) -> float32 (N, expected, D) on the device.

        In bf16 products are taken against ``reference``, with fp32 between them, or else as autocast has it.
        Features cannot be changed in place; copies of them can.  Raises ``BackboneError`` before
        ``open``, and when the tokens are not as many as expected.
        """
        if self._model is None:
            raise BackboneError(f"{self.checkpoint.source}: no weights are loaded; call open() first")
        pixels = normalised(pixels.to(self.device, non_blocking=True), self.preprocessing)
        alone = torch.autocast(pixels.device.type, torch.bfloat16, enabled=self.precision == "bf16")
        with alone if reference is None else against(reference):
            tokens = self.family.tokens(self._model, pixels)
        if tokens.shape[1] != expected:
            raise BackboneError(
                f"{self.checkpoint.source}: patch grid is not what the config says: {tokens.shape[1]} tokens "
                f"came, {expected} were expected of {self.preprocessing.crop_px} px in patches of "
                f"{self.grid.patch_px} px; give the config.json that belongs to the weights"
            )
        return tokens.float()

    def _class(self) -> Any:
        import transformers

        model_class = getattr(transformers, self.family.model_class, None)
        if model_class is None:
            raise BackboneError(
                f"transformers {transformers.__version__} has no {self.family.model_class}, which "
                f"{self.checkpoint.source} needs; install a later one"
            )
        return model_class

    def _config(self) -> Any:
        try:
            return self._class().config_class.from_pretrained(self.checkpoint.folder)
        except BackboneError:
            raise
        except Exception as error:
            raise BackboneError(
                f"{self.checkpoint.source}: config.json is none of a {self.family.model_class}: {error}"
            ) from error

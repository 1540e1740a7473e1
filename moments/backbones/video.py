"""Video backbones: a whole clip at once, one feature vector a patch and moment.

It knows nothing of names and hub ids.  Models that join frames give fewer moments T' than frames: T/2 for
VideoMAE and V-JEPA 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from moments.backbones.family import Family, FrozenModel, Grid, one_number
from moments.backbones.preprocessing import prepared
from moments.embedder import EmbedderFacts, Part
from moments.errors import FeatureError

CLIPS_PER_FORWARD = 2
"""A clip is thousands of tokens already; on a CPU larger batches gain nothing and cost memory."""
CLIPS_PER_FORWARD_ON_GPU = 16


def all_tokens(model: Any, pixels: Tensor) -> Tensor:
    """Last hidden state of a model whose tokens are its patches, in the order of time: VideoMAE."""
    tokens: Tensor = model(pixel_values=pixels).last_hidden_state
    return tokens


def tokens_without_prediction(model: Any, pixels: Tensor) -> Tensor:
    """Last hidden state of V-JEPA 2's encoder; its predictor costs time and is of no use here."""
    tokens: Tensor = model(pixel_values_videos=pixels, skip_predictor=True).last_hidden_state
    return tokens


def tokens_of_videos(model: Any, pixels: Tensor) -> Tensor:
    """Last hidden state of VideoPrism, after both of its encoders, in the order of time."""
    tokens: Tensor = model(pixel_values_videos=pixels).last_hidden_state
    return tokens


def patch_major_tokens(model: Any, pixels: Tensor) -> Tensor:
    """Last hidden state of TimeSformer, without its class token and brought into the order of time."""
    tokens: Tensor = model(pixel_values=pixels).last_hidden_state[:, 1:]
    # TimeSformer keeps the moments of a patch side by side, where all others keep the patches of a moment.
    by_patch = tokens.reshape(len(tokens), -1, pixels.shape[1], tokens.shape[-1])
    return by_patch.transpose(1, 2).flatten(1, 2)


def tokens_of_frames(model: Any, pixels: Tensor) -> Tensor:
    """Last hidden state of X-CLIP's vision encoder, where frames exchange messages, without class tokens."""
    frames: Tensor = model(pixel_values=pixels.flatten(0, 1)).last_hidden_state[:, 1:]
    return frames.reshape(len(pixels), -1, frames.shape[-1])


def clip_grid(config: Any) -> Grid:
    """Frames and patches of a config with ``num_frames``, for models that take just as many."""
    return Grid(
        image_px=one_number(config.image_size),
        patch_px=one_number(config.patch_size),
        patch_frames=getattr(config, "tubelet_size", 1),
        num_frames=config.num_frames,
    )


def vjepa2_grid(config: Any) -> Grid:
    """V-JEPA 2 encodes positions by rotation and takes any even number of frames."""
    return Grid(config.crop_size, one_number(config.patch_size), config.tubelet_size)


def videoprism_grid(config: Any) -> Grid:
    """VideoPrism's config joins time and patch in ``tubelet_size``: (frames, height, width)."""
    patch_frames, *patch_px = config.tubelet_size
    return Grid(one_number(config.image_size), one_number(patch_px), patch_frames, config.num_frames)


VIDEOMAE = Family(
    "VideoMAEModel",
    ("videomae",),
    all_tokens,
    grid=clip_grid,
    other_parts=("fc_norm.", "classifier.", "decoder.", "encoder_to_decoder.", "mask_token", "position_emb"),
)
# The margin is that of the released processor: 292 px for a crop of 256.
VJEPA2 = Family(
    "VJEPA2Model",
    ("vjepa2",),
    tokens_without_prediction,
    grid=vjepa2_grid,
    short_side=256 / 224,
    other_parts=("pooler.", "classifier."),
)
VIDEOPRISM = Family(
    "VideoPrismVisionModel",
    ("videoprism_vision_model",),
    tokens_of_videos,
    grid=videoprism_grid,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    other_parts=("auxiliary_layers.", "head.", "head_layernorm."),
)
TIMESFORMER = Family(
    "TimesformerModel",
    ("timesformer",),
    patch_major_tokens,
    grid=clip_grid,
    mean=(0.45, 0.45, 0.45),
    std=(0.225, 0.225, 0.225),
    other_parts=("classifier.",),
)
XCLIP = Family(
    "XCLIPVisionModel",
    ("xclip", "xclip_vision_model"),
    tokens_of_frames,
    grid=clip_grid,
    other_parts=(
        "text_model.",
        "mit.",
        "prompts_",
        "visual_projection.",
        "text_projection.",
        "logit_scale",
    ),
    # By itself transformers finds no weight of a whole X-CLIP, and leaves all at random values.
    inside="vision_model.",
)


class VideoEmbedder:
    """A video backbone over whole clips; see ``Embedder`` for the contract.

    ``num_frames`` None is what the config says, or 32 where the model takes any number.  Raises
    ``BackboneError`` for a number of frames that the model does not take.
    """

    def __init__(self, model: FrozenModel, *, name: str, title: str, num_frames: int | None = None) -> None:
        self._model = model
        self._facts = model.facts(name, title, num_frames, frame_wise=False)

    @property
    def facts(self) -> EmbedderFacts:
        return self._facts

    def open(self) -> None:
        self._model.open()

    def prepare(self, frames: npt.NDArray[np.uint8]) -> Tensor:
        """uint8 (T, H, W, 3) -> uint8 (T, 3, h, h)."""
        return prepared(frames, self._model.preprocessing)

    def parts(self, clips: Tensor) -> Sequence[Part]:
        """uint8 (B, T, 3, h, h) -> one float32 (B, T', P, D)."""
        self._model.check_clips(clips)
        frames = clips.shape[1]
        if frames != self._facts.num_frames:
            raise FeatureError(
                f"{self._facts.name}: clips of {frames} frames, expected {self._facts.num_frames}; "
                f"sample them with frame_indices()"
            )
        return [partial(self._features, clips)]

    def _features(self, clips: Tensor) -> Tensor:
        moments, patches = clips.shape[1] // self._model.grid.patch_frames, self._model.patches
        at_once = CLIPS_PER_FORWARD if self._model.on_cpu else CLIPS_PER_FORWARD_ON_GPU
        parts = [self._model.tokens(part, moments * patches) for part in torch.split(clips, at_once)]
        return torch.cat(parts).reshape(len(clips), moments, patches, -1)

"""The backend ``wan``: reference and positive on one canvas, in one call, so that they share one motion.

It knows no judge and no shard; the opened model is that of ``wan_model``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import ConfigError, ContractError
from data.schema import Clip, ClipFormat, Role
from generators.base import BackendFacts, OnStep, VideoRequest, VideoResult, ignored
from generators.canvas import Canvas
from generators.checkpoint import file_digest, find_checkpoint, identity_of
from generators.wan_config import WanConfig
from generators.wan_shot import FRAME_STEP, Shot
from generators.wan_words import avoided, pair_prompt, single_prompt

if TYPE_CHECKING:
    from generators.wan_model import WanModel

REVISION = 1  # to be raised with every change that alters a clip of the same weights and settings
PIPELINES = ("WanImageToVideoPipeline",)

# The rest of the config decides a clip; where weights lie and how often one is made do not.
_NOT_IN_A_CLIP = {"kind", "model", "revision", "candidates", "memory", "acceleration", "pacing"}


class WanVideos:
    """WAN 2.2 as a ``WarpableVideoGenerator``. Nothing is loaded before ``open``."""

    def __init__(self, config: WanConfig) -> None:
        self._config = config
        self._model: WanModel | None = None

    @property
    def facts(self) -> BackendFacts:
        """The revision names the checkpoint, and hashes the settings and texts that decide a clip.

        A batch above 1 is among them, as it was asked for: where memory takes fewer, clips that carry the
        same revision agree within rounding.
        """
        config = self._config
        steps = config.distilled.steps if config.distilled else config.steps
        revision = f"{self._identity}/{self._settings_digest}"
        return BackendFacts("wan", revision, needs_gpu=True, ai_generated=True, steps_per_request=steps)

    def open(self) -> None:
        """Find the checkpoint, on the hub if need be, and load its weights; raises ``ConfigError``."""
        if self._model is not None:
            return
        import torch

        from generators.wan_model import WanModel

        checkpoint = find_checkpoint(self._config.model, self._config.revision, PIPELINES)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = WanModel(checkpoint, self._config, device)

    def videos(self, requests: Sequence[VideoRequest], on_step: OnStep = ignored) -> Iterator[VideoResult]:
        """Clips of each request's roles in order, all of a request on one canvas.

        Requests of one shape that follow each other are made up to ``config.batch`` in one call.
        Raises ``ConfigError`` for a format that the model cannot make, and ``SampleRejected``.
        """
        shots = [self._shot(request) for request in requests]
        self.model.read([shot.prompt for shot in shots])
        for request, frames in zip(requests, self.model.clips(shots, on_step), strict=True):
            panels = self._canvas(request).split(frames[: request.format.num_frames])
            yield VideoResult(tuple(Clip(panel, request.format.fps) for panel in panels), None)

    def num_generated_frames(self, clip_format: ClipFormat) -> int:
        """Frames made for a clip of this format: the next 4·k + 1, of which the first ones are kept."""
        return -(-(clip_format.num_frames - 1) // FRAME_STEP) * FRAME_STEP + 1

    @property
    def temporal_bands(self) -> int:
        return self.model.temporal_bands

    @property
    def model(self) -> WanModel:
        """The opened model, for clips that are no triplets."""
        if self._model is None:
            raise ContractError("the wan backend was asked for clips before it was opened: call open() first")
        return self._model

    def _shot(self, request: VideoRequest) -> Shot:
        clip_format = request.format
        if clip_format.fps != self.model.fps:
            raise ConfigError(
                f"{self._config.model} moves at {self.model.fps} frames a second; the recipe asks for "
                f"{clip_format.fps}: set format.fps to {self.model.fps}"
            )
        if Role.NEGATIVE in request.roles and len(request.roles) > 1:
            raise ContractError(
                f"{request.plan.triplet_id}: clips of one canvas share their motion, and the negative has "
                f"another: ask for it alone, not with {', '.join(request.roles)}"
            )
        prompts = request.plan.prompts
        motion = prompts.negative_motion if request.roles == (Role.NEGATIVE,) else prompts.motion
        return Shot(
            first=self._canvas(request).joined(request.first_frames),
            prompt=pair_prompt(self._config.canvas, motion)
            if len(request.roles) > 1
            else single_prompt(motion),
            num_frames=self.num_generated_frames(clip_format),
            seed=request.seed,
            positions=request.positions,
        )

    def _canvas(self, request: VideoRequest) -> Canvas:
        return Canvas(self._config.canvas, len(request.roles), request.format.size_px, self._config.guard_px)

    @cached_property
    def _identity(self) -> str:
        return identity_of(self._config.model, self._config.revision)

    @property
    def _settings_digest(self) -> str:
        alone = {"batch"} if self._config.batch == 1 else set()
        settings = self._config.model_dump_json(exclude=_NOT_IN_A_CLIP | alone)
        words = (pair_prompt(self._config.canvas, ""), single_prompt(""), avoided())
        parts = (str(REVISION), settings, *words, *self._lora_digests)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    @cached_property
    def _lora_digests(self) -> list[str]:
        distilled = self._config.distilled
        files = (
            [Path(source).expanduser() for source in (distilled.high_noise, distilled.low_noise)]
            if distilled
            else []
        )
        return [file_digest(path) for path in files if path.is_file()]

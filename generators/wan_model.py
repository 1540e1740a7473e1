"""WAN 2.2 opened: one first frame and one prompt in, one clip out, deterministic by seed.

It knows nothing of triplets, canvases or recipes beyond their settings.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image as PillowImage

from data.errors import ConfigError, SampleRejected
from data.schema import Frames, Image
from generators.base import OnStep, Positions, ignored
from generators.checkpoint import Checkpoint, first_line_of
from generators.wan_config import WanConfig
from generators.wan_memory import GB, Placement, fitting, footprint, main_memory_bytes
from generators.wan_pipeline import experts_of, load_pipeline, put
from generators.wan_speed import device_seconds, fastest_way, one_block
from generators.wan_text import PromptEncoder
from generators.wan_words import avoided
from generators.warped_rope import temporal_bands, warped_pipeline

FRAME_STEP = 4
"""Frames that share a latent; the first has one to itself."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Shot:
    """One clip to be made, of ``num_frames`` (4·k + 1) frames that begin with ``first``.

    ``last`` is its last frame where that is given, too; ``positions`` bend time (``generators.warped_rope``).
    """

    first: Image
    prompt: str
    num_frames: int
    seed: int
    last: Image | None = None
    positions: Positions | None = None


class WanModel:
    """The opened pipeline of a checkpoint. One clip is made at a time, whatever the number of threads."""

    def __init__(self, checkpoint: Checkpoint, config: WanConfig, device: torch.device) -> None:
        """Load the weights; raises ``ConfigError`` when they are not what their index says.

        Without an accelerator also when they do not fit into main memory: the system would end the process.
        """
        if device.type == "cpu":
            _check_main_memory(checkpoint)
        self._config = config
        self._source = checkpoint.source
        self._checkpoint = checkpoint
        self._device = device
        self._dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
        self._lock = threading.Lock()
        self._pipeline = load_pipeline(checkpoint, config, self._dtype)
        self._prompts = PromptEncoder(checkpoint.folder, device, self._dtype)
        self._placements: list[Placement] = []
        self._placed = False
        self.temporal_bands = temporal_bands(self._pipeline.transformer)
        self.fps = 24 if self._pipeline.config.expand_timesteps else 16
        patch = self._pipeline.transformer.config.patch_size
        self.size_multiple_px = self._pipeline.vae_scale_factor_spatial * patch[1]

    @property
    def takes_last_frame(self) -> bool:
        """The small model looks at the first frame only."""
        return not self._pipeline.config.expand_timesteps

    @property
    def steps(self) -> int:
        return self._config.distilled.steps if self._config.distilled else self._config.steps

    def read(self, prompts: list[str]) -> None:
        """Encode prompts of clips that follow, so that the text encoder comes and goes once for all."""
        # Where memory runs out here, it does so for the clip, which can make room and else says what to do.
        with self._lock, suppress(torch.OutOfMemoryError):
            self._prompts.encode([*prompts, avoided()])

    def frames(self, shot: Shot, on_step: OnStep = ignored) -> Frames:
        """The clip, uint8 (num_frames, H, W, 3). ``on_step`` is called after every denoising step.

        With ``memory: auto``, a clip for which memory ran out is begun anew with fewer weights on the
        accelerator.  Raises ``ConfigError`` for sizes and lengths that the model would round, and when
        memory does not suffice; ``SampleRejected`` when the result is not finite.
        """
        self._check(shot)
        with self._lock:
            while True:
                try:
                    return self._made(shot, on_step)
                except torch.OutOfMemoryError as error:
                    if len(self._placements) < 2:
                        raise self._out_of_memory(shot, error) from error
                # Only here is the error gone, and with it what the frames of its traceback held.
                self._make_room()

    def _made(self, shot: Shot, on_step: OnStep) -> Frames:
        prompt, negative = self._prompts.encode([shot.prompt, avoided()])
        self._place(shot)
        height, width, _ = shot.first.shape
        try:
            with self._warped(shot.positions):
                video = self._pipeline(
                    image=PillowImage.fromarray(shot.first),
                    last_image=None if shot.last is None else PillowImage.fromarray(shot.last),
                    prompt_embeds=prompt.to(self._device),
                    negative_prompt_embeds=negative.to(self._device),
                    height=height,
                    width=width,
                    num_frames=shot.num_frames,
                    num_inference_steps=self.steps,
                    # Drawn on the CPU, so that the kind of accelerator does not choose the clip.
                    generator=torch.Generator("cpu").manual_seed(shot.seed),
                    output_type="pt",
                    callback_on_step_end=_counting(on_step),
                    **self._guidance,
                ).frames[0]
        finally:
            # The pipeline does so only when nothing went wrong; else the next clip would be another.
            self._pipeline.maybe_free_model_hooks()
        if not bool(torch.isfinite(video).all()):
            raise SampleRejected("not_finite", f"{self._source} gave frames that are not finite")
        pixels = (video * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        return np.ascontiguousarray(pixels.cpu().numpy())

    @property
    def _guidance(self) -> dict[str, float]:
        if self._config.distilled:
            return {"guidance_scale": 1.0}
        high, low = self._config.guidance
        two = self._pipeline.transformer_2 is not None
        return {"guidance_scale": high} | ({"guidance_scale_2": low} if two else {})

    def _warped(self, positions: Positions | None) -> AbstractContextManager[None]:
        return nullcontext() if positions is None else warped_pipeline(self._pipeline, positions)

    def _check(self, shot: Shot) -> None:
        height, width, _ = shot.first.shape
        for side in (height, width):
            if side % self.size_multiple_px or side == 0:
                lower = max(side // self.size_multiple_px, 1) * self.size_multiple_px
                raise ConfigError(
                    f"{self._source} makes sides that are multiples of {self.size_multiple_px} px; got "
                    f"{width} x {height}. Nearest to {side} are {lower} and {lower + self.size_multiple_px}"
                )
        if shot.num_frames % FRAME_STEP != 1 or shot.num_frames <= FRAME_STEP:
            lower = max((shot.num_frames - 1) // FRAME_STEP, 1) * FRAME_STEP + 1
            raise ConfigError(
                f"{self._source} makes {FRAME_STEP}k + 1 frames, at least {FRAME_STEP + 1}; got "
                f"{shot.num_frames}. Nearest are {lower} and {lower + FRAME_STEP}"
            )
        if shot.last is not None and self._pipeline.config.expand_timesteps:
            raise ConfigError(
                f"{self._source} takes no last frame: only the models with two experts do (A14B)"
            )

    def _place(self, shot: Shot) -> None:
        """Put the weights where they shall lie, at the first clip: its size decides what fits."""
        if self._placed:
            return
        height, width, _ = shot.first.shape
        patch = self._pipeline.transformer.config.patch_size[1]
        side_px = self.size_multiple_px // patch
        latents = ((shot.num_frames - 1) // FRAME_STEP + 1, height // side_px, width // side_px)
        if not self._placements:
            self._placements = self._possible(tokens=latents[0] * latents[1] * latents[2] // patch**2)
        placement = self._placements[0]
        put(self._pipeline, placement, self._device)
        self._placed = True
        if self._config.acceleration == "probe" and self._device.type == "cuda":
            # Hooks of group offloading move weights, and those of fp8 cast them, as no graph can follow.
            plain = placement != "group_offload" and self._config.weights == "bf16"
            trial = one_block(self._pipeline.transformer, self._device)
            way = fastest_way(trial, latents, lambda run: device_seconds(run, self._device), plain)
            _log.info("%s runs with %s, weights %s", self._source, way, placement)
            for expert in experts_of(self._pipeline):
                way.take(expert)

    def _possible(self, tokens: int) -> list[Placement]:
        if self._config.memory != "auto":
            return [self._config.memory]
        if self._device.type == "cpu":
            return ["resident"]
        free, _total = torch.cuda.mem_get_info(self._device)
        return list(fitting(footprint(self._checkpoint, self._config.weights, tokens), free))

    def _make_room(self) -> None:
        """Load the model anew for the next smaller placement: nothing of the larger one may stay behind."""
        tried = self._placements.pop(0)
        _log.warning("%s: memory ran out with %s; going on with %s", self._source, tried, self._placements[0])
        self._pipeline = None
        self._placed = False
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self._pipeline = load_pipeline(self._checkpoint, self._config, self._dtype)

    def _out_of_memory(self, shot: Shot, error: Exception) -> ConfigError:
        height, width, _ = shot.first.shape
        smaller = "" if self._placements == ["group_offload"] else "set memory: group_offload, or "
        return ConfigError(
            f"{self._source}: memory ran out at {width} x {height} px, {shot.num_frames} frames with memory: "
            f"{''.join(self._placements) or self._config.memory} ({first_line_of(error)}); {smaller}make "
            "smaller or shorter clips"
        )


def _check_main_memory(checkpoint: Checkpoint) -> None:
    parts = ("transformer", "transformer_2", "text_encoder", "vae")
    needed = sum(map(checkpoint.num_parameters, parts)) * torch.float32.itemsize
    if needed > main_memory_bytes():
        raise ConfigError(
            f"{checkpoint.source}: torch sees no GPU, and on the CPU this model takes {needed / GB:.0f} GB "
            f"of main memory, of which there are {main_memory_bytes() / GB:.0f}: run on a machine with an "
            "NVIDIA GPU and a torch for CUDA; `simmotion doctor` says what is there"
        )


def _counting(on_step: OnStep) -> Callable[..., dict[str, Any]]:
    def callback(_pipeline: Any, _index: int, _timestep: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
        on_step()
        return {}

    return callback

"""WAN 2.2 opened: first frames and prompts in, one clip out for each, deterministic by seed.

It knows nothing of triplets, canvases or recipes beyond their settings.
"""

from __future__ import annotations

import gc
import logging
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from data.errors import ConfigError, SampleRejected
from data.schema import Frames, Image
from generators.base import OnStep, Positions, ignored
from generators.checkpoint import Checkpoint, first_line_of
from generators.wan_config import WanConfig
from generators.wan_memory import Placement, Work, fitting, footprint, require_main_memory
from generators.wan_pipeline import experts_of, load_pipeline, put
from generators.wan_shot import ClipShape, Shot, alike
from generators.wan_speed import device_seconds, fastest_way, one_block
from generators.wan_steps import Steps
from generators.wan_text import PromptEncoder
from generators.wan_vae import decoded, work_in_tiles
from generators.wan_words import avoided
from generators.warped_rope import temporal_bands, warped_pipeline

_log = logging.getLogger(__name__)


class WanModel:
    """The opened pipeline of a checkpoint. One call of it runs at a time, whatever the number of threads."""

    def __init__(self, checkpoint: Checkpoint, config: WanConfig, device: torch.device) -> None:
        """Load the weights; raises ``ConfigError`` when they are not what their index says.

        Without an accelerator also when they do not fit into main memory.
        """
        if device.type == "cpu":
            require_main_memory(checkpoint)
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
        self._free_bytes = math.inf
        self._work: dict[ClipShape, Work] = {}
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
        """The clip of one shot, as ``clips`` makes it."""
        return next(self.clips([shot], on_step))

    def clips(self, shots: Sequence[Shot], on_step: OnStep = ignored) -> Iterator[Frames]:
        """The clip of each shot in order, uint8 (num_frames, H, W, 3).

        Neighbours of one shape are made up to ``config.batch`` in one call. Noise and first frame of each
        are as if it were alone, and the clip is the same within rounding.  ``on_step`` is called after
        every denoising step, once for every clip that took it.

        Where memory runs out, clips are begun anew: fewer in a call first, and then, with ``memory: auto``,
        with fewer weights on the accelerator. One that ran out only when it was decoded is decoded in tiles.
        Raises ``ConfigError`` for sizes and lengths that the model would round, and when memory does not
        suffice; ``SampleRejected`` when the result is not finite.
        """
        for shot in shots:
            self._check(shot)
        steps = Steps(on_step)
        for left in alike(shots):
            while left:
                with self._lock:
                    made = self._first_of(left, steps)
                for frames in made:
                    if frames is None:
                        raise SampleRejected("not_finite", f"{self._source} gave frames that are not finite")
                    yield frames
                left = left[len(made) :]

    def _first_of(self, shots: Sequence[Shot], steps: Steps) -> list[Frames | None]:
        """As many of the first clips as one call makes, all of one shape; None for one that is not finite."""
        shape = shots[0].shape
        while True:
            try:
                # Read before the weights come: the encoder finds its room then.
                self._prompts.encode([*(shot.prompt for shot in shots), avoided()])
                work = self._work_for(shape)
                with steps.attempt():
                    return self._made(shots[: work.clips_at_once], work, steps)
            except torch.OutOfMemoryError as error:
                alone = 1 in (len(shots), self._work.get(shape, Work()).clips_at_once)
                if alone and len(self._placements) < 2:
                    raise self._out_of_memory(shape, error) from error
            # Only here is the error gone, and with it what the frames of its traceback held.
            if alone:
                self._make_room()
            else:
                _log.warning("%s: memory ran out with several clips a call; going on with one", self._source)
                self._work[shape] = replace(self._work[shape], clips_at_once=1)
                self._empty()

    def _made(self, shots: Sequence[Shot], work: Work, steps: Steps) -> list[Frames | None]:
        *prompts, avoid = self._prompts.encode([*(shot.prompt for shot in shots), avoided()])
        first, shape = shots[0], shots[0].shape
        work_in_tiles(self._pipeline.vae, "encode" in work.tiled)
        try:
            with self._warped(first.positions):
                latents = self._pipeline(
                    image=_pictures([shot.first for shot in shots]),
                    last_image=None
                    if first.last is None
                    else _pictures([shot.last for shot in shots if shot.last is not None]),
                    prompt_embeds=torch.cat(prompts).to(self._device),
                    negative_prompt_embeds=avoid.to(self._device).expand(len(shots), -1, -1),
                    height=shape.height_px,
                    width=shape.width_px,
                    num_frames=shape.num_frames,
                    num_inference_steps=self.steps,
                    # Drawn on the CPU, so that the kind of accelerator does not choose the clip.
                    generator=[torch.Generator("cpu").manual_seed(shot.seed) for shot in shots],
                    output_type="latent",
                    callback_on_step_end=steps.of(len(shots)),
                    **self._guidance,
                ).frames
            return [self._decoded(each, shape) for each in latents.split(1)]
        finally:
            # The pipeline does so only when nothing went wrong; else the next clip would be another.
            self._pipeline.maybe_free_model_hooks()

    def _decoded(self, latents: Tensor, shape: ClipShape) -> Frames | None:
        work = self._work[shape]
        work_in_tiles(self._pipeline.vae, "decode" in work.tiled)
        try:
            return decoded(self._pipeline, latents)
        except torch.OutOfMemoryError:
            if "decode" in work.tiled:
                raise
        _log.warning("%s: memory ran out in the autoencoder; decoding %s in tiles", self._source, shape)
        self._work[shape] = replace(work, tiled=(*work.tiled, "decode"))
        self._pipeline.vae.clear_cache()
        self._empty()
        return self._decoded(latents, shape)

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
        shot.shape.require(self._source, self.size_multiple_px)
        if shot.last is not None and self._pipeline.config.expand_timesteps:
            raise ConfigError(
                f"{self._source} takes no last frame: only the models with two experts do (A14B)"
            )

    def _work_for(self, shape: ClipShape) -> Work:
        """How clips of a shape are made; puts the weights where they shall lie at the first one."""
        if not self._placed:
            self._place(shape)
        if shape not in self._work:
            asked = self._config.batch
            work = Work(asked)
            if self._free_bytes < math.inf:
                needs = footprint(self._checkpoint, self._config.weights, shape)
                work = needs.work(self._placements[0], self._free_bytes, asked)
            self._work[shape] = work
            fewer = f"; memory does not take {asked}" if work.clips_at_once < asked else ""
            _log.info("%s, %s: %s%s", self._source, shape, work, fewer)
        return self._work[shape]

    def _place(self, shape: ClipShape) -> None:
        """Put the weights where they shall lie: the size of the first clip decides what fits."""
        self._free_bytes = _free_bytes(self._device)
        if not self._placements:
            self._placements = self._possible(shape)
        placement = self._placements[0]
        put(self._pipeline, placement, self._device)
        self._placed = True
        if self._config.acceleration == "probe" and self._device.type == "cuda":
            # Hooks of group offloading move weights, and those of fp8 cast them, as no graph can follow.
            plain = placement != "group_offload" and self._config.weights == "bf16"
            trial = one_block(self._pipeline.transformer, self._device)
            latents = shape.latents(self._pipeline.vae_scale_factor_spatial)
            way = fastest_way(trial, latents, lambda run: device_seconds(run, self._device), plain)
            _log.info("%s runs with %s, weights %s", self._source, way, placement)
            for expert in experts_of(self._pipeline):
                way.take(expert)

    def _possible(self, shape: ClipShape) -> list[Placement]:
        if self._config.memory != "auto":
            return [self._config.memory]
        if self._free_bytes == math.inf:
            return ["resident"]
        return list(fitting(footprint(self._checkpoint, self._config.weights, shape), self._free_bytes))

    def _make_room(self) -> None:
        """Load the model anew for the next smaller placement: nothing of the larger one may stay behind."""
        tried = self._placements.pop(0)
        _log.warning("%s: memory ran out with %s; going on with %s", self._source, tried, self._placements[0])
        self._pipeline = None
        self._placed = False
        self._work.clear()
        self._empty()
        self._pipeline = load_pipeline(self._checkpoint, self._config, self._dtype)

    def _empty(self) -> None:
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _out_of_memory(self, shape: ClipShape, error: Exception) -> ConfigError:
        smaller = "" if self._placements == ["group_offload"] else "set memory: group_offload, or "
        return ConfigError(
            f"{self._source}: memory ran out at {shape} with memory: "
            f"{''.join(self._placements) or self._config.memory} ({first_line_of(error)}); {smaller}make "
            "smaller or shorter clips"
        )


def _free_bytes(device: torch.device) -> float:
    """Of an accelerator's memory; main memory is taken as endless."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else math.inf


def _pictures(images: Sequence[Image]) -> Tensor:
    """As diffusers reads them, float32 (N, 3, H, W) in 0–1."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 255.0

"""WAN 2.2 opened: one first frame and one prompt in, one clip out, deterministic by seed.

It knows nothing of triplets, canvases or recipes beyond their settings.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image as PillowImage

from data.errors import ConfigError, SampleRejected
from data.schema import Frames, Image
from generators.base import OnStep, Positions, ignored
from generators.checkpoint import Checkpoint, quiet_loading
from generators.wan_config import WanConfig
from generators.wan_memory import Placement, fitting, footprint
from generators.wan_speed import fastest_attention
from generators.wan_text import PromptEncoder
from generators.wan_words import avoided
from generators.warped_rope import temporal_bands, warped_pipeline

FRAME_STEP = 4
"""Frames that share a latent; the first has one to itself."""


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
        """Load the weights; raises ``ConfigError`` when they are not what their index says."""
        self._config = config
        self._source = checkpoint.source
        self._checkpoint = checkpoint
        self._device = device
        self._dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
        self._lock = threading.Lock()
        self._pipeline = _loaded(checkpoint, config, self._dtype)
        self._prompts = PromptEncoder(checkpoint.folder, device, self._dtype)
        self._placement: Placement | None = None
        self.temporal_bands = temporal_bands(self._pipeline.transformer)
        self.fps = 24 if self._pipeline.config.expand_timesteps else 16
        patch = self._pipeline.transformer.config.patch_size
        self.size_multiple_px = self._pipeline.vae_scale_factor_spatial * patch[1]

    @property
    def steps(self) -> int:
        return self._config.distilled.steps if self._config.distilled else self._config.steps

    def read(self, prompts: list[str]) -> None:
        """Encode prompts of clips that follow, so that the text encoder comes and goes once for all."""
        with self._lock:
            self._prompts.encode([*prompts, avoided()])

    def frames(self, shot: Shot, on_step: OnStep = ignored) -> Frames:
        """The clip, uint8 (num_frames, H, W, 3). ``on_step`` is called after every denoising step.

        Raises ``ConfigError`` for sizes and lengths that the model would round, and when memory does not
        suffice; ``SampleRejected`` when the result is not finite.
        """
        self._check(shot)
        with self._lock:
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
            except torch.OutOfMemoryError as error:
                raise ConfigError(
                    f"{self._source}: memory ran out at {width} x {height} px, {shot.num_frames} frames with "
                    f"memory: {self._placement} ({error}); set memory: group_offload, or make smaller clips"
                ) from error
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
        return {"guidance_scale": high} | ({"guidance_scale_2": low} if self._pipeline.transformer_2 else {})

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
        if self._placement is not None:
            return
        height, width, _ = shot.first.shape
        latents = (shot.num_frames - 1) // FRAME_STEP + 1
        tokens = latents * (height // self.size_multiple_px) * (width // self.size_multiple_px)
        self._placement = self._chosen(tokens)
        pipeline, device = self._pipeline, self._device
        experts = [expert for expert in (pipeline.transformer, pipeline.transformer_2) if expert is not None]
        match self._placement:
            case "resident":
                pipeline.to(device)
            case "expert_offload":
                pipeline.enable_model_cpu_offload(device=device)
            case "group_offload":
                pipeline.vae.to(device)
                for expert in experts:
                    expert.enable_group_offload(
                        onload_device=device,
                        offload_device=torch.device("cpu"),
                        offload_type="block_level",
                        num_blocks_per_group=1,
                        use_stream=device.type == "cuda",
                    )
        if self._config.acceleration == "probe" and device.type == "cuda":
            heads = pipeline.transformer.config
            backend = fastest_attention(tokens, heads.num_attention_heads, heads.attention_head_dim, device)
            for expert in experts:
                expert.set_attention_backend(backend)
                if self._placement != "group_offload":  # its hooks move weights, which a graph cannot follow
                    expert.compile_repeated_blocks(fullgraph=True)

    def _chosen(self, tokens: int) -> Placement:
        if self._config.memory != "auto":
            return self._config.memory
        if self._device.type == "cpu":
            return "resident"
        total = torch.cuda.get_device_properties(self._device).total_memory
        return fitting(footprint(self._checkpoint, self._config.weights, tokens), total)


def _loaded(checkpoint: Checkpoint, config: WanConfig, dtype: torch.dtype) -> Any:
    import diffusers

    library: Any = diffusers  # parts of it have no types
    try:
        with quiet_loading():
            pipeline = library.WanImageToVideoPipeline.from_pretrained(
                checkpoint.folder,
                text_encoder=None,
                tokenizer=None,
                # The VAE in bf16 shows bands in even areas.
                dtype={"default": dtype, "vae": torch.float32},
                use_safetensors=True,
                local_files_only=True,
            )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ConfigError(
            f"{checkpoint.source}: no pipeline can be made of {checkpoint.folder}: {error}; give a complete, "
            "unchanged checkpoint"
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    changes: dict[str, Any] = {"flow_shift": config.flow_shift}
    if config.distilled:
        # UniPC of the first order without a corrector is Euler's method, on the schedule that was distilled.
        changes |= {"solver_order": 1, "disable_corrector": list(range(config.distilled.steps))}
        _fuse_loras(pipeline, checkpoint, config.distilled.high_noise, config.distilled.low_noise)
    pipeline.scheduler = library.UniPCMultistepScheduler.from_config(pipeline.scheduler.config, **changes)
    for expert in filter(None, (pipeline.transformer, pipeline.transformer_2)):
        if config.weights == "fp8":
            expert.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)
        if config.first_block_cache is not None:
            expert.enable_cache(library.FirstBlockCacheConfig(threshold=config.first_block_cache))
    return pipeline


def _fuse_loras(pipeline: Any, checkpoint: Checkpoint, high_noise: str, low_noise: str) -> None:
    if pipeline.transformer_2 is None:
        raise ConfigError(f"{checkpoint.source} has one expert; distilled LoRAs are for models with two")
    pipeline.load_lora_weights(high_noise, adapter_name="high")
    pipeline.load_lora_weights(low_noise, adapter_name="low", load_into_transformer_2=True)
    found = pipeline.get_list_adapters()
    if found.get("transformer") != ["high"] or found.get("transformer_2") != ["low"]:
        raise ConfigError(f"the LoRAs {high_noise} and {low_noise} fit none of the model's layers: {found}")
    pipeline.set_adapters(["high", "low"], adapter_weights=[1.0, 1.0])
    pipeline.fuse_lora(components=["transformer", "transformer_2"])
    pipeline.unload_lora_weights()


def _counting(on_step: OnStep) -> Callable[..., dict[str, Any]]:
    def callback(_pipeline: Any, _index: int, _timestep: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
        on_step()
        return {}

    return callback

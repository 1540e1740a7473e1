"""Pipelines that draw and edit pictures, with few and random weights in the real format of diffusers."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLQwenImage,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
    StableDiffusionInstructPix2PixPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
)

from generators.checkpoint import quiet_loading

NATIVE_PX = 32
"""The size at which the tiny Stable Diffusion draws when none is asked for."""


def save_tiny_drawer(folder: Path, seed: int = 0) -> Path:
    """Stable Diffusion, text to image."""
    return _saved(StableDiffusionPipeline(**_stable_diffusion(seed, in_channels=4)), folder)


def save_tiny_editor(folder: Path, seed: int = 1) -> Path:
    """InstructPix2Pix: the source goes in as four more channels."""
    return _saved(StableDiffusionInstructPix2PixPipeline(**_stable_diffusion(seed, in_channels=8)), folder)


def save_tiny_qwen(folder: Path, seed: int = 2) -> Path:
    """Qwen-Image, text to image."""
    torch.manual_seed(seed)
    words = Qwen2_5_VLConfig(
        text_config={
            "bos_token_id": 0,
            "eos_token_id": 0,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]},
            "vocab_size": 512,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 16,
        },
    )
    pipeline = QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLQwenImage(
            base_dim=24,
            z_dim=4,
            dim_mult=[1, 2, 4],
            num_res_blocks=1,
            temperal_downsample=[False, True],
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(words),
        tokenizer=_qwen_tokenizer(),
        transformer=QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=4,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        ),
    )
    return _saved(pipeline, folder)


def _saved(pipeline: Any, folder: Path) -> Path:
    with quiet_loading():
        pipeline.save_pretrained(folder)
    return folder


def _stable_diffusion(seed: int, in_channels: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    tokenizer = _clip_tokenizer()
    return {
        "vae": AutoencoderKL(
            block_out_channels=[16, 16],
            down_block_types=["DownEncoderBlock2D"] * 2,
            up_block_types=["UpDecoderBlock2D"] * 2,
            norm_num_groups=8,
            latent_channels=4,
        ),
        "text_encoder": CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=16,
                intermediate_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                max_position_embeddings=tokenizer.model_max_length,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        ),
        "tokenizer": tokenizer,
        "unet": UNet2DConditionModel(
            sample_size=NATIVE_PX // 2,
            in_channels=in_channels,
            out_channels=4,
            block_out_channels=(16, 16),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            cross_attention_dim=16,
            attention_head_dim=8,
            norm_num_groups=8,
        ),
        "scheduler": DDIMScheduler(steps_offset=1, clip_sample=False),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }


def _clip_tokenizer() -> CLIPTokenizer:
    pieces = ["<|startoftext|>", "<|endoftext|>", *ascii_lowercase]
    pieces += [f"{letter}</w>" for letter in ascii_lowercase]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=16)


def _qwen_tokenizer() -> Qwen2Tokenizer:
    pieces = ["<|endoftext|>", *map(chr, range(33, 127)), "Ġ", "Ċ"]
    return Qwen2Tokenizer(vocab={piece: index for index, piece in enumerate(pieces)}, merges=[])

"""A whole WAN 2.2 pipeline with few and random weights in the real format, and a transformer of LTX-2."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLWan,
    LTX2VideoTransformer3DModel,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanTransformer3DModel,
)
from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel

WORDS = ["a", "the", "two", "halves", "left", "right", "move", "in", "sync", "man", "dog", "jumps", "runs"]
BOUNDARY = 0.9
"""The noise level at which the second expert takes over, as in the large model."""


def tiny_wan(seed: int = 0) -> WanImageToVideoPipeline:
    """The image-to-video pipeline of the 14B model, made small: heads of 24 channels, 4 temporal bands."""
    tokenizer = _tokenizer()
    pipeline = WanImageToVideoPipeline(
        tokenizer=tokenizer,
        text_encoder=_text_encoder(len(tokenizer), seed),
        vae=_vae(seed + 1),
        transformer=tiny_transformer(seed + 2),
        transformer_2=tiny_transformer(seed + 3),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
        ),
        boundary_ratio=BOUNDARY,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def save_tiny_wan(folder: Path, seed: int = 0) -> Path:
    """The same as a checkpoint folder that ``from_pretrained`` reads."""
    tiny_wan(seed).save_pretrained(folder)
    return folder


def save_tiny_wan_5b(folder: Path, seed: int = 0) -> Path:
    """A checkpoint folder of the small model's kind: one expert, 24 fps, sides in multiples of 32."""
    tokenizer = _tokenizer()
    wide = {"in_channels": 48, "out_channels": 48}
    pipeline = WanImageToVideoPipeline(
        tokenizer=tokenizer,
        text_encoder=_text_encoder(len(tokenizer), seed),
        vae=_vae(
            seed + 1,
            is_residual=True,
            in_channels=12,
            out_channels=12,
            patch_size=2,
            z_dim=48,
            scale_factor_spatial=16,
            latents_mean=[0.0] * 48,
            latents_std=[1.0] * 48,
        ),
        transformer=tiny_transformer(seed + 2, **wide),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
        ),
        expand_timesteps=True,
    )
    pipeline.save_pretrained(folder)
    return folder


def tiny_transformer(seed: int, **changes: Any) -> WanTransformer3DModel:
    """An expert with random weights; ``changes`` are fields of its config."""
    torch.manual_seed(seed)
    config: dict[str, Any] = {
        "patch_size": (1, 2, 2),
        "num_attention_heads": 2,
        "attention_head_dim": 24,
        "in_channels": 36,
        "out_channels": 16,
        "text_dim": 32,
        "freq_dim": 32,
        "ffn_dim": 64,
        "num_layers": 2,
    }
    return WanTransformer3DModel(**config | changes).eval()


def tiny_ltx(rope_type: str = "split") -> LTX2VideoTransformer3DModel:
    """The transformer of LTX-2 with random weights: 48 channels in 2 heads, 8 temporal bands."""
    torch.manual_seed(0)
    return LTX2VideoTransformer3DModel(
        in_channels=8,
        num_attention_heads=2,
        attention_head_dim=24,
        cross_attention_dim=48,
        audio_in_channels=8,
        audio_num_attention_heads=2,
        audio_attention_head_dim=12,
        audio_cross_attention_dim=24,
        num_layers=2,
        caption_channels=16,
        rope_type=rope_type,
    ).eval()


def _tokenizer() -> T5Tokenizer:
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(f"\u2581{word}", -1.0) for word in WORDS] + [("\u2581", -3.0)]
    pieces += [(letter, -6.0) for letter in "abcdefghijklmnopqrstuvwxyz0123456789.,!?'-"]
    return T5Tokenizer(vocab=pieces, extra_ids=0)


def _text_encoder(vocabulary: int, seed: int) -> UMT5EncoderModel:
    torch.manual_seed(seed)
    config = UMT5Config(
        vocab_size=vocabulary,
        d_model=32,
        d_kv=8,
        d_ff=37,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
        use_cache=False,
        dropout_rate=0.0,
    )
    return UMT5EncoderModel(config).eval()


def _vae(seed: int, **changes: Any) -> AutoencoderKLWan:
    torch.manual_seed(seed)
    config: dict[str, Any] = {
        "base_dim": 8,
        "z_dim": 16,
        "dim_mult": [1, 1, 1, 1],
        "num_res_blocks": 1,
        "temperal_downsample": [False, True, True],
    }
    return AutoencoderKLWan(**config | changes).eval()

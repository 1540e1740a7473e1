"""Tiny random checkpoints of every family, written as the hub holds the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
TEXT = {**SIZES, "vocab_size": 64, "max_position_embeddings": 8, "bos_token_id": 1, "eos_token_id": 2}


def model_of(family: str) -> Any:
    """A model with random weights of the class that the hub's checkpoint of this family was saved from."""
    import transformers as tf

    torch.manual_seed(0)
    match family:
        case "dinov2":
            return tf.Dinov2Model(tf.Dinov2Config(**SIZES, mlp_ratio=2, image_size=56, patch_size=14))
        case "dinov2-with-registers":
            config = tf.Dinov2WithRegistersConfig(
                **SIZES, mlp_ratio=2, image_size=56, patch_size=14, num_register_tokens=3
            )
            return tf.Dinov2WithRegistersModel(config)
        case "dinov3":
            return tf.DINOv3ViTModel(
                tf.DINOv3ViTConfig(**SIZES, image_size=64, patch_size=16, num_register_tokens=4)
            )
        case "siglip2" | "siglip2-pooled":
            return tf.SiglipModel(
                tf.SiglipConfig(text_config=TEXT, vision_config={**SIZES, "image_size": 64, "patch_size": 16})
            )
        case "clip4clip":
            vision = {**SIZES, "image_size": 64, "patch_size": 32, "projection_dim": 16}
            return tf.CLIPModel(
                tf.CLIPConfig(
                    text_config={**TEXT, "projection_dim": 16}, vision_config=vision, projection_dim=16
                )
            )
        case "videomae":
            return tf.VideoMAEForVideoClassification(
                tf.VideoMAEConfig(**SIZES, image_size=32, patch_size=16, num_frames=4, use_mean_pooling=True)
            )
        case "vjepa2":
            config = tf.VJEPA2Config(
                hidden_size=48,
                num_attention_heads=2,
                num_hidden_layers=2,
                mlp_ratio=2,
                crop_size=32,
                patch_size=16,
                frames_per_clip=4,
                pred_hidden_size=48,
                pred_num_attention_heads=2,
                pred_num_hidden_layers=1,
                pred_mlp_ratio=2,
            )
            return tf.VJEPA2Model(config)
        case "videoprism":
            return tf.VideoPrismVisionModel(
                tf.VideoPrismVisionConfig(
                    hidden_size=32,
                    num_attention_heads=2,
                    intermediate_size=64,
                    num_spatial_layers=1,
                    num_temporal_layers=1,
                    image_size=36,
                    num_frames=4,
                )
            )
        case "timesformer":
            return tf.TimesformerForVideoClassification(
                tf.TimesformerConfig(**SIZES, image_size=32, patch_size=16, num_frames=4)
            )
        case "xclip":
            vision = {**SIZES, "image_size": 64, "patch_size": 32, "num_frames": 4}
            vision |= {"mit_hidden_size": 16, "mit_intermediate_size": 32, "mit_num_attention_heads": 2}
            return tf.XCLIPModel(
                tf.XCLIPConfig(
                    text_config=TEXT,
                    vision_config=vision,
                    projection_dim=16,
                    prompt_layers=1,
                    prompt_num_attention_heads=2,
                )
            )
    raise AssertionError(family)


FAMILIES = (
    "dinov2",
    "dinov2-with-registers",
    "dinov3",
    "siglip2",
    "siglip2-pooled",
    "clip4clip",
    "videomae",
    "vjepa2",
    "videoprism",
    "timesformer",
    "xclip",
)


def save(family: str, folder: Path) -> Path:
    """The family's checkpoint in a folder: config.json and model.safetensors."""
    model_of(family).save_pretrained(folder)
    return folder

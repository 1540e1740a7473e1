"""diffusers' pipeline of a WAN checkpoint: loaded, set as a recipe says, and its weights put in their place.

It knows nothing of clips, prompts or seeds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from data.errors import ConfigError
from generators.checkpoint import Checkpoint, first_line_of, quiet_loading
from generators.wan_config import DistilledConfig, WanConfig
from generators.wan_memory import Placement


def load_pipeline(checkpoint: Checkpoint, config: WanConfig, dtype: torch.dtype) -> Any:
    """A ``BatchedWanPipeline`` on the CPU without its text encoder, experts in ``dtype``.

    Raises ``ConfigError`` when the weights are not what their index says, or LoRAs do not fit.
    """
    import diffusers

    from generators.wan_batch import BatchedWanPipeline

    library: Any = diffusers  # parts of it have no types
    pipelines: Any = BatchedWanPipeline
    try:
        with quiet_loading():
            pipeline = pipelines.from_pretrained(
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
            f"{checkpoint.source}: no pipeline can be made of {checkpoint.folder}: {first_line_of(error)}; "
            "give a complete, unchanged checkpoint"
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    # Said in full: a checkpoint's own scheduler may be of another class, whose settings mean other things.
    schedule: dict[str, Any] = {
        "prediction_type": "flow_prediction",
        "use_flow_sigmas": True,
        "flow_shift": config.flow_shift,
    }
    if config.distilled:
        # UniPC of the first order without a corrector is Euler's method, on the schedule that was distilled.
        schedule |= {"solver_order": 1, "disable_corrector": list(range(config.distilled.steps))}
        _fuse(pipeline, checkpoint, config.distilled)
    pipeline.scheduler = library.UniPCMultistepScheduler.from_config(pipeline.scheduler.config, **schedule)
    for expert in experts_of(pipeline):
        if config.weights == "fp8":
            expert.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)
        if config.first_block_cache is not None:
            expert.enable_cache(library.FirstBlockCacheConfig(threshold=config.first_block_cache))
    return pipeline


def put(pipeline: Any, placement: Placement, device: torch.device) -> None:
    """Lay a freshly loaded pipeline's weights out over ``device`` and main memory."""
    match placement:
        case "resident":
            pipeline.to(device)
        case "expert_offload":
            pipeline.enable_model_cpu_offload(device=device)
        case "group_offload":
            pipeline.vae.to(device)
            for expert in experts_of(pipeline):
                expert.enable_group_offload(
                    onload_device=device,
                    offload_device=torch.device("cpu"),
                    offload_type="block_level",
                    num_blocks_per_group=1,
                    use_stream=device.type == "cuda",
                )


def experts_of(pipeline: Any) -> list[Any]:
    """The transformers: that for much noise and, where the model has it, that for little."""
    return [expert for expert in (pipeline.transformer, pipeline.transformer_2) if expert is not None]


def _fuse(pipeline: Any, checkpoint: Checkpoint, distilled: DistilledConfig) -> None:
    """Add each LoRA to the weights of its expert for good, so that it costs no time."""
    if pipeline.transformer_2 is None:
        raise ConfigError(f"{checkpoint.source} has one expert; distilled LoRAs are for models with two")
    for name, source in (("high", distilled.high_noise), ("low", distilled.low_noise)):
        try:
            with quiet_loading():
                pipeline.load_lora_weights(
                    _weights(source), adapter_name=name, load_into_transformer_2=name == "low"
                )
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise ConfigError(
                f"distilled.{name}_noise: {source} does not fit {checkpoint.source}: {first_line_of(error)}; "
                "give a LoRA that was made for this expert"
            ) from error
    found = pipeline.get_list_adapters()
    if found.get("transformer") != ["high"] or found.get("transformer_2") != ["low"]:
        raise ConfigError(
            f"the LoRAs {distilled.high_noise} and {distilled.low_noise} fit none of the layers of "
            f"{checkpoint.source}; give LoRAs of this model's two experts"
        )
    pipeline.set_adapters(["high", "low"], adapter_weights=[1.0, 1.0])
    pipeline.fuse_lora(components=["transformer", "transformer_2"])
    pipeline.unload_lora_weights()


def _weights(source: str) -> dict[str, torch.Tensor]:
    """Tensors of a local file, or of ``<owner>/<repository>/<path in it>`` on the hub."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(source).expanduser()
    if not path.is_file():
        path = _from_hub(source)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is no whole file of safetensors ({first_line_of(error)})") from error


def _from_hub(source: str) -> Path:
    import httpx2
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HFValidationError

    owner, _, rest = source.partition("/")
    repository, _, inside = rest.partition("/")
    try:
        return Path(hf_hub_download(f"{owner}/{repository}", inside))
    except (HFValidationError, OSError, ValueError, httpx2.HTTPError) as error:
        raise ConfigError(
            f"{source}: no such file here, and not to be had from the hub ({first_line_of(error)}); name a "
            "local file, or <owner>/<repository>/<path of the file in it>"
        ) from error

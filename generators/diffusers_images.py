"""First frames on one's own machine: a text-to-image pipeline, and one that edits by instruction.

Knows only what all pipelines of diffusers share: ``prompt`` draws, ``image`` and ``prompt`` edit.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow

from data.errors import ConfigError, ContractError, SampleRejected
from data.schema import Image, Role
from generators.base import BackendFacts, ImageRequest
from generators.checkpoint import Checkpoint, find_checkpoint, identity_of, quiet_loading
from generators.config import DiffusersImageConfig
from generators.framing import squared

if TYPE_CHECKING:
    import torch

REVISION = 1  # to be raised with every change that alters a picture of the same weights and settings
ACTIVATION_BYTES = 8e9  # beside the weights; a picture of 1024 px by a transformer of 20 billion weights
HOST_SHARE = 0.8  # of main memory that weights may take
_NO_GUIDANCE_AWAY = " "  # Qwen-Image and its kin leave guidance out when there is no negative prompt at all


class DiffusersImages:
    """Reference from the base prompt; positive as an edit of the reference by the modification prompt.

    Each model draws at the size it was trained for; the picture is brought to the clip's size afterwards.
    Equal requests give equal pictures on equal machines.
    """

    def __init__(self, config: DiffusersImageConfig) -> None:
        self._config = config
        self._checkpoints: dict[Role, Checkpoint] = {}
        self._pipelines: dict[Role, Any] = {}
        self._together = self._resident = False
        self._lock = threading.Lock()

    @property
    def facts(self) -> BackendFacts:
        """The revision names both checkpoints, and the settings."""
        settings = hashlib.sha256(f"{REVISION} {self._config.steps}".encode()).hexdigest()[:8]
        return BackendFacts(
            "diffusers", f"{' + '.join(self._identities)}/{settings}", needs_gpu=True, ai_generated=True
        )

    def open(self) -> None:
        """Find both checkpoints, on the hub if need be, and load what fits into memory together.

        Raises ``ConfigError`` for one that is missing, incomplete, or cannot do its part.
        """
        if self._pipelines:
            return
        self._checkpoints = {role: find_checkpoint(*source) for role, source in self._sources.items()}
        num_bytes = sum(map(_num_weights, self._checkpoints.values())) * _dtype().itemsize
        self._together = num_bytes <= HOST_SHARE * _host_bytes()
        self._resident = _device() == "cuda" and num_bytes + ACTIVATION_BYTES <= _free_device_bytes()
        for role in self._checkpoints if self._together else (Role.REFERENCE,):
            self._pipeline(role)

    def images(self, requests: Sequence[ImageRequest]) -> Iterator[Image]:
        """One square picture uint8 (size_px, size_px, 3) per request, in order.

        Raises ``SampleRejected`` with reason ``image_safety`` (the model's own filter), ``not_finite``, or
        one of ``generators.framing``; ``ConfigError`` when memory does not suffice.
        """
        for request in requests:
            with self._lock:
                drawn = self._drawn(request)
            yield squared(drawn, request.format.size_px)

    @property
    def _sources(self) -> dict[Role, tuple[str, str | None]]:
        config = self._config
        return {
            Role.REFERENCE: (config.model, config.revision),
            Role.POSITIVE: (config.edit_model, config.edit_revision),
        }

    @cached_property
    def _identities(self) -> tuple[str, ...]:
        return tuple(identity_of(*source) for source in self._sources.values())

    def _drawn(self, request: ImageRequest) -> Image:
        import torch

        item, prompts = request.plan.triplet_id, request.plan.prompts
        match request.role, request.source:
            case Role.REFERENCE, None:
                asked: dict[str, Any] = {"prompt": prompts.base}
            case Role.POSITIVE, source if source is not None:
                asked = {"prompt": prompts.modification, "image": Pillow.fromarray(source)}
            case _:
                raise ContractError(
                    f"{item}: a picture for the {request.role} was asked "
                    f"{'without' if request.source is None else 'with'} a source; only a reference is drawn "
                    "from text, and only a positive by editing"
                )
        pipeline = self._pipeline(request.role)
        if "true_cfg_scale" in inspect.signature(pipeline.__call__).parameters:
            asked["negative_prompt"] = _NO_GUIDANCE_AWAY
        try:
            result = pipeline(
                **asked,
                num_inference_steps=self._config.steps,
                # Drawn on the CPU, so that the kind of accelerator does not choose the picture.
                generator=torch.Generator("cpu").manual_seed(request.seed),
                output_type="np",
            )
        except torch.OutOfMemoryError as error:
            raise ConfigError(
                f"{self._checkpoints[request.role].source}: memory ran out while drawing {item} ({error}); "
                "free the accelerator, or name a smaller model in images.model and images.edit_model"
            ) from error
        finally:
            pipeline.maybe_free_model_hooks()
        if any(getattr(result, "nsfw_content_detected", None) or ()):
            raise SampleRejected(
                "image_safety", f"{item}: the model's own filter blanked the picture", "rewrite"
            )
        levels = np.asarray(result.images[0])
        if not np.isfinite(levels).all():
            raise SampleRejected("not_finite", f"{item}: the picture holds values that are not finite")
        return (levels * 255).round().clip(0, 255).astype(np.uint8)

    def _pipeline(self, role: Role) -> Any:
        if not self._checkpoints:
            raise ContractError("the diffusers backend was asked for pictures before it was opened")
        if role not in self._pipelines:
            if not self._together:
                self._pipelines.clear()  # first, so that the two are never in memory at once
            self._pipelines[role] = self._loaded(self._checkpoints[role])
            if role is Role.POSITIVE:
                _check_that_it_edits(self._pipelines[role], self._config.edit_model)
        return self._pipelines[role]

    def _loaded(self, checkpoint: Checkpoint) -> Any:
        try:
            with quiet_loading():
                from diffusers import DiffusionPipeline

                loader: Any = DiffusionPipeline
                pipeline = loader.from_pretrained(
                    checkpoint.folder, dtype=_dtype(), use_safetensors=True, local_files_only=True
                )
        except ImportError as error:
            sentence = " ".join(str(error).split()).split(". ")[0]
            raise ConfigError(
                f"{checkpoint.source} needs a package that is not here: {sentence}; install it, in the "
                "version that belongs to this torch, or name another model"
            ) from error
        except Exception as error:
            raise ConfigError(
                f"{checkpoint.source}: {checkpoint.folder} cannot be loaded by diffusers "
                f"({type(error).__name__}: {error}); is it a whole pipeline with weights as safetensors?"
            ) from error
        pipeline.set_progress_bar_config(disable=True)
        if self._resident:
            pipeline.to("cuda")
        elif _device() == "cuda":
            pipeline.enable_model_cpu_offload()
        return pipeline


def _check_that_it_edits(pipeline: Any, source: str) -> None:
    parameters = inspect.signature(pipeline.__call__).parameters
    if not {"image", "prompt"} <= parameters.keys():
        raise ConfigError(
            f"{source} is a {type(pipeline).__name__}, which takes no picture to edit: name an editing model "
            "in images.edit_model, such as Qwen/Qwen-Image-Edit-2509"
        )


def _num_weights(checkpoint: Checkpoint) -> int:
    parts = (part for part in checkpoint.index if not part.startswith("_"))
    return sum(map(checkpoint.num_parameters, parts))


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _dtype() -> torch.dtype:
    import torch

    return torch.bfloat16 if _device() == "cuda" else torch.float32


def _host_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _free_device_bytes() -> int:
    import torch

    return torch.cuda.mem_get_info()[0]

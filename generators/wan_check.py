"""Whether clips from WAN would work here: torch and GPU, the checkpoint, the memory it takes, the format.

It loads no weights and makes no clip.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from data.errors import ConfigError
from data.finding import Finding
from data.schema import ClipFormat
from generators import checkpoint_check
from generators.canvas import Canvas
from generators.checkpoint import Checkpoint
from generators.wan import PIPELINES
from generators.wan_config import WanConfig
from generators.wan_format import WanFormat, format_of
from generators.wan_memory import (
    GB,
    PLACEMENTS,
    Footprint,
    fitting,
    footprint,
    main_memory_bytes,
    published,
)
from generators.wan_shot import ClipShape


def check(config: WanConfig, clip_format: ClipFormat) -> Iterator[Finding]:
    """Every part by itself. Raises nothing."""
    yield _torch()
    yield _gpu()
    yield checkpoint_check.check("WAN checkpoint", config.model, config.revision, PIPELINES)
    try:
        found = checkpoint_check.at_hand(config.model, config.revision, PIPELINES)
        made = format_of(config)
        needs = _needs(config, clip_format, found)
    except ConfigError:  # the line of the checkpoint has said it
        return
    yield _format(config, clip_format, made)
    yield _device_memory(config, needs, clip_format)
    yield _main_memory(needs)


def _gpu() -> Finding:
    """The accelerator that clips would be made on."""
    if not torch.cuda.is_available():
        return Finding(
            "GPU",
            False,
            "torch sees none: WAN would run on the CPU, for days a clip",
            "run on a machine with an NVIDIA GPU of 24 GB or more and a torch for CUDA",
        )
    device = torch.cuda.get_device_properties(0)
    free, total = torch.cuda.mem_get_info(0)
    return Finding("GPU", True, f"{device.name}, {free / GB:.0f} of {total / GB:.0f} GB free")


def _torch() -> Finding:
    cuda = torch.version.cuda
    return Finding(
        "torch",
        cuda is not None,
        f"torch {torch.__version__}, {f'CUDA {cuda}' if cuda else 'without CUDA'}",
        "" if cuda else "install a torch that was built for this machine's CUDA, see https://pytorch.org",
    )


def _needs(config: WanConfig, clip_format: ClipFormat, found: Checkpoint | None) -> Footprint:
    """For the largest canvas, that of a pair."""
    canvas = Canvas(config.canvas, 2, clip_format.size_px, config.guard_px)
    shape = ClipShape(clip_format.num_frames, canvas.height_px, canvas.width_px)
    if found is None:
        return published(config.model, config.weights, shape)
    return footprint(found, config.weights, shape)


def _format(config: WanConfig, clip_format: ClipFormat, made: WanFormat) -> Finding:
    changes = made.changes(clip_format)
    return Finding(
        "WAN format",
        not changes,
        made.sentence(config.model, clip_format),
        f"set {', '.join(changes)}" if changes else "",
    )


def _device_memory(config: WanConfig, needs: Footprint, clip_format: ClipFormat) -> Finding:
    name, clip = "WAN memory", f"{clip_format.size_px} px, {clip_format.num_frames} frames"
    peaks = ", ".join(f"{placement} {needs.peak_bytes(placement) / GB:.0f} GB" for placement in PLACEMENTS)
    if not torch.cuda.is_available():
        return Finding(name, False, f"no GPU; expected peaks for {clip}: {peaks}")
    free, _total = torch.cuda.mem_get_info(0)
    try:
        chosen = fitting(needs, free)[0] if config.memory == "auto" else config.memory
    except ConfigError as error:
        return Finding(name, False, str(error))
    work = needs.work(chosen, free, config.batch)
    peak = needs.peak_bytes(chosen, work)
    return Finding(
        name,
        peak <= free,
        f"memory: {chosen}, expected peak {peak / GB:.0f} GB of {free / GB:.0f} GB free for {clip}; {work}",
        "" if peak <= free else "set memory: auto",
    )


def _main_memory(needs: Footprint) -> Finding:
    total = main_memory_bytes()
    enough = needs.host_bytes <= total
    return Finding(
        "main memory",
        enough,
        f"{total / GB:.0f} GB; the weights take up to {needs.host_bytes / GB:.0f} GB on their way to the GPU",
        "" if enough else "take a machine with more, or a smaller model (Wan-AI/Wan2.2-TI2V-5B-Diffusers)",
    )

"""What WAN is told beside a plan's own words: two panels in sync, one shot, and what to avoid.

The texts lie in ``generators/texts``; this file only fills them in.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from generators.wan_config import Layout


def pair_prompt(layout: Layout, motion: str) -> str:
    """The prompt of a canvas with two panels that share ``motion``."""
    return _text(f"canvas_{layout}").format(motion=motion)


def single_prompt(motion: str) -> str:
    """The prompt of a clip by itself."""
    return _text("single").format(motion=motion)


def avoided() -> str:
    """The negative prompt: diffusers puts none of its own in the place of an empty one."""
    return _text("avoid")


@cache
def _text(name: str) -> str:
    return " ".join(files("generators").joinpath(f"texts/{name}.txt").read_text(encoding="utf-8").split())

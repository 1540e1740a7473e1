"""How a clip and a row say where their pictures come from. Knows nothing of containers or columns."""

from __future__ import annotations

from typing import Literal

Origin = Literal["rendered", "generated", "footage"]
"""Drawn by a plain algorithm, made by a trained model, or cut from videos that were there before."""

_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_MADE = {"rendered": "Computer-rendered video, made", "generated": "AI-generated video, made"}
_TYPES = {"rendered": "algorithmicMedia", "generated": "trainedAlgorithmicMedia"}


def origin_of(ai_generated: bool) -> Origin:
    """The origin of a clip that we made ourselves."""
    return "generated" if ai_generated else "rendered"


def digital_source_type(origin: Origin) -> str | None:
    """The IPTC digital source type; None for footage, of which only its maker can say how it was taken."""
    return _IPTC + _TYPES[origin] if origin in _TYPES else None


def marking(origin: Origin) -> str:
    """The sentence that every encoded clip carries in its metadata; the same for the same input."""
    if origin == "footage":
        return "Cut from footage by SimMotion, which made none of its pictures."
    return f"{_MADE[origin]} by SimMotion. Digital source type: {digital_source_type(origin)}"

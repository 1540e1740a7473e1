"""How a clip and a row say that no camera made them. Knows nothing of containers or columns."""

from __future__ import annotations

_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def digital_source_type(ai_generated: bool) -> str:
    """The IPTC digital source type: made by a trained model, or rendered by a plain algorithm."""
    return _IPTC + ("trainedAlgorithmicMedia" if ai_generated else "algorithmicMedia")


def marking(ai_generated: bool) -> str:
    """The sentence that every encoded clip carries in its metadata; the same for the same input."""
    made = "AI-generated video" if ai_generated else "Computer-rendered video"
    return f"{made}, made by SimMotion. Digital source type: {digital_source_type(ai_generated)}"

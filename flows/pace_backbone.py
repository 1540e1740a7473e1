"""What a pace is seen with: the default backbone, and what is said where its weights are not at hand.

It knows nothing of videos or of flows.
"""

from __future__ import annotations

from flows.backbones import BackboneSpec, Options, embedder, parse_backbone
from moments.embedder import Embedder
from moments.errors import BackboneError
from moments.frame_embeddings import require_frame_wise

BACKBONE = "siglip2-pooled"
"""As in the authors' release: one vector a frame, of the whole frame."""


def pace_backbone(text: str, options: Options) -> Embedder:
    """The backbone, refused at once where its features belong to no single frame; see ``parse_backbone``.

    Raises ``BackboneError``; the default's names the way to go on without weights.
    """
    spec = parse_backbone(text)
    try:
        eyes = embedder(spec, options)
    except BackboneError as error:
        if spec != BackboneSpec(BACKBONE):
            raise
        raise BackboneError(
            f"{error}. Or take --backbone hog, which needs no weights and sees how shapes change, not what "
            "they mean"
        ) from error
    require_frame_wise(eyes.facts)
    return eyes

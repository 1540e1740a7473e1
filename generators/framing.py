"""Files of pictures become square RGB frames, without stretching.

Knows no vendor: bytes in, pixels out, or the reason why not.
"""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from data.errors import SampleRejected
from data.limits import MAX_IMAGE_PIXELS
from data.schema import Image

MAX_ENLARGEMENT = 2.0
"""A picture is enlarged up to this factor; beyond, its clips would look soft beside the others."""

_SIGNATURES = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "WEBP": b"RIFF"}
_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}  # 16-bit grey would be clipped
_BROKEN_FILE = (OSError, SyntaxError, ValueError, EOFError, struct.error)  # all that Pillow's readers raise


def read_picture(content: bytes) -> Image:
    """Pixels of a PNG, JPEG or WebP file as uint8 (H, W, 3) RGB, upright; what is clear becomes white.

    Raises ``SampleRejected`` with reason ``image_format`` (another kind of file), ``image_too_large``
    (more than ``MAX_IMAGE_PIXELS``) or ``image_unreadable`` (cut short or damaged).
    """
    kind = next((name for name, start in _SIGNATURES.items() if content.startswith(start)), None)
    if kind is None:
        raise SampleRejected(
            "image_format",
            f"{len(content)} bytes that begin with {content[:12]!r}; expected PNG, JPEG or WebP",
        )
    try:
        with Pillow.open(BytesIO(content), formats=[kind]) as picture:
            width, height = picture.size
            if width * height > MAX_IMAGE_PIXELS:
                raise SampleRejected("image_too_large", _too_large(f"{width}×{height} px"))
            if picture.mode not in _MODES:
                raise SampleRejected(
                    "image_format", f"a {kind} of mode {picture.mode}; expected 8 bits a channel"
                )
            picture.load()
            return _rgb(ImageOps.exif_transpose(picture))
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise SampleRejected("image_too_large", _too_large(str(error))) from error
    except (UnidentifiedImageError, *_BROKEN_FILE) as error:
        raise SampleRejected(
            "image_unreadable", f"a {kind} of {len(content)} bytes that is cut short or damaged: {error}"
        ) from error


def squared(picture: Image, size_px: int) -> Image:
    """The central square of ``picture`` (H, W, 3) at ``size_px``: uint8 (size_px, size_px, 3).

    Lanczos widened to the scale, so that shrinking does not alias.  Raises ``SampleRejected`` with reason
    ``image_too_small`` when that would enlarge it by more than ``MAX_ENLARGEMENT``.
    """
    height, width, _ = picture.shape
    side = min(height, width)
    if side * MAX_ENLARGEMENT < size_px:
        raise SampleRejected(
            "image_too_small",
            f"{width}×{height} px; a square of {size_px} px needs at least {size_px / MAX_ENLARGEMENT:g} px "
            "on the shorter side",
        )
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    if side == size_px:
        return square.copy()
    resized = Pillow.fromarray(square).resize((size_px, size_px), Pillow.Resampling.LANCZOS)
    return np.array(resized)


def png(picture: Image) -> bytes:
    """``picture``, uint8 (H, W, 3) RGB, as a PNG file."""
    content = BytesIO()
    Pillow.fromarray(picture).save(content, "PNG")
    return content.getvalue()


def _rgb(picture: Pillow.Image) -> Image:
    if picture.has_transparency_data:
        white = Pillow.new("RGBA", picture.size, "white")
        picture = Pillow.alpha_composite(white, picture.convert("RGBA"))
    return np.array(picture.convert("RGB"))


def _too_large(what: str) -> str:
    return f"{what}; at most {MAX_IMAGE_PIXELS / 1e6:.0f} megapixels are unpacked"

"""A picture of gigabytes in a few kilobytes is refused before it takes memory, whatever its format."""

from __future__ import annotations

import resource
import struct
from io import BytesIO

import pytest
from PIL import Image as Pillow

from data.errors import SampleRejected
from data.limits import MAX_IMAGE_PIXELS
from generators.framing import read_picture
from tests.data.hostile_videos import png


def animated(kind: str, num_frames: int) -> bytes:
    """A little animation; of one colour each, so that frames cost next to nothing."""
    frames = [Pillow.new("RGB", (16, 16), (shade, shade, 255 - shade)) for shade in range(num_frames)]
    content = BytesIO()
    frames[0].save(content, kind, save_all=True, append_images=frames[1:], lossless=True)
    return content.getvalue()


def webp_claiming(side_px: int) -> bytes:
    """An animation whose canvas claims this size; its frames stay 16 px."""
    content = bytearray(animated("WEBP", 3))
    place = content.index(b"VP8X") + 12
    content[place : place + 6] = 2 * (side_px - 1).to_bytes(3, "little")
    return bytes(content)


def jpeg_claiming(side_px: int) -> bytes:
    content = BytesIO()
    Pillow.new("RGB", (16, 16)).save(content, "JPEG")
    changed = bytearray(content.getvalue())
    struct.pack_into(">HH", changed, changed.index(b"\xff\xc0") + 5, side_px, side_px)
    return bytes(changed)


BOMBS = {
    "PNG 8000": png(8_000, 8_000),
    "PNG 13000": png(13_000, 13_000),
    "PNG 30000": png(30_000, 30_000),
    "JPEG 30000": jpeg_claiming(30_000),
    "WebP 8000": webp_claiming(8_000),
    "WebP 13000": webp_claiming(13_000),
    "WebP 16384": webp_claiming(16_384),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_takes_memory(name: str) -> None:
    content = BOMBS[name]
    assert len(content) < 200_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SampleRejected) as refused:
        read_picture(content)
    grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert refused.value.reason == "image_too_large"
    assert f"{MAX_IMAGE_PIXELS / 1e6:.0f} megapixels" in refused.value.detail
    assert grown_bytes < 20e6


def test_of_an_animation_one_frame_is_unpacked() -> None:
    assert read_picture(animated("WEBP", 200)).shape == (16, 16, 3)


def test_an_animation_of_another_format_is_not_opened() -> None:
    with pytest.raises(SampleRejected) as refused:
        read_picture(animated("GIF", 200))
    assert refused.value.reason == "image_format"

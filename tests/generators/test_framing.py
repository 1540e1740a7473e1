"""Pictures of any kind and size become square frames; what is no picture is told apart by its reason."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from data.errors import SampleRejected
from data.limits import MAX_IMAGE_PIXELS
from data.schema import Image
from generators.framing import MAX_ENLARGEMENT, png, read_picture, squared


def ramps(height: int, width: int) -> Image:
    """Red grows to the right and green downwards, so that any cut or stretch shows."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), x * 0], -1).astype(np.uint8)


def file_of(picture: Pillow.Image, kind: str, **options: object) -> bytes:
    content = BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def reason_of(content: bytes) -> str:
    with pytest.raises(SampleRejected) as rejected:
        read_picture(content)
    assert rejected.value.remedy == "again"
    return rejected.value.reason


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises this many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    end = b"\0\0\0\0IEND\xaeB`\x82"
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + end


@settings(max_examples=25)
@given(height=st.integers(1, 40), width=st.integers(1, 40))
def test_a_png_comes_back_as_it_was(height: int, width: int) -> None:
    picture = ramps(height, width)

    assert np.array_equal(read_picture(png(picture)), picture)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_each_kind_is_read_alike(kind: str) -> None:
    picture = ramps(64, 48)
    read = read_picture(file_of(Pillow.fromarray(picture), kind))

    assert read.shape == (64, 48, 3)
    assert read.dtype == np.uint8
    assert np.abs(read.astype(int) - picture).mean() < 4


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA", "P", "1"])
def test_grey_indexed_and_clear_pictures_become_rgb(mode: str) -> None:
    assert read_picture(file_of(Pillow.new(mode, (8, 8)), "PNG")).shape == (8, 8, 3)


def test_what_is_clear_becomes_white_and_not_what_hid_under_it() -> None:
    clear = Pillow.new("RGBA", (4, 4), (200, 10, 10, 0))

    assert (read_picture(file_of(clear, "PNG")) == 255).all()


def test_a_photo_that_lies_on_its_side_is_turned_upright() -> None:
    sideways = Pillow.new("RGB", (20, 10))
    exif = sideways.getexif()
    exif[0x0112] = 6  # the camera was turned by a quarter

    assert read_picture(file_of(sideways, "JPEG", exif=exif)).shape == (20, 10, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        file_of(Pillow.new("RGB", (4, 4)), "GIF"),
        file_of(Pillow.new("RGB", (4, 4)), "BMP"),
        file_of(Pillow.new("I;16", (4, 4)), "PNG"),
    ],
    ids=["nothing", "svg", "gif", "bmp", "16 bit"],
)
def test_other_files_are_of_the_wrong_format(content: bytes) -> None:
    assert reason_of(content) == "image_format"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_file_cut_short_is_unreadable(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    content = file_of(Pillow.fromarray(noise), kind)

    assert reason_of(content[: max(12, int(len(content) * share))]) == "image_unreadable"


@settings(max_examples=60)
@given(position=st.integers(8, 300), value=st.integers(0, 255))
def test_a_damaged_file_is_read_or_rejected_but_never_breaks_the_run(position: int, value: int) -> None:
    content = bytearray(png(ramps(16, 16)))
    content[position % len(content)] = value

    with suppress(SampleRejected):
        assert read_picture(bytes(content)).shape[-1] == 3


@pytest.mark.parametrize("side", [6000, 10_000, 20_000])
def test_a_header_that_promises_too_many_pixels_is_not_unpacked(side: int) -> None:
    assert side * side > MAX_IMAGE_PIXELS
    assert reason_of(claiming(side, side)) == "image_too_large"


def test_a_square_of_the_right_size_stays_as_it_is() -> None:
    picture = ramps(32, 32)

    assert np.array_equal(squared(picture, 32), picture)


@settings(max_examples=40)
@given(side=st.integers(16, 48), more=st.integers(0, 60), wide=st.booleans())
def test_the_middle_is_cut_out_and_nothing_is_stretched(side: int, more: int, wide: bool) -> None:
    shape = (side, side + more) if wide else (side + more, side)
    picture = ramps(*shape)
    start = more // 2
    middle = picture[:, start : start + side] if wide else picture[start : start + side]

    assert np.array_equal(squared(picture, side), middle)


def test_a_circle_stays_a_circle() -> None:
    y, x = np.mgrid[:90, :160]
    disc = ((x - 79.5) ** 2 + (y - 44.5) ** 2 < 30**2).astype(np.uint8) * 255
    small = squared(np.repeat(disc[..., None], 3, -1), 48)[..., 0] > 127

    height, width = small.any(1).sum(), small.any(0).sum()
    assert height == width == pytest.approx(60 * 48 / 90, abs=1)


def test_shrinking_averages_what_it_leaves_out() -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    small = squared(stripes, 32)

    inside = small[:, 2:-2].astype(int)  # half of a filter at a border sees one stripe more
    assert np.abs(inside - 127).max() <= 3


def test_a_small_picture_is_enlarged_up_to_a_limit() -> None:
    smallest = int(64 / MAX_ENLARGEMENT)
    assert squared(ramps(smallest, smallest), 64).shape == (64, 64, 3)

    with pytest.raises(SampleRejected, match=r"50×31 px") as rejected:
        squared(ramps(smallest - 1, 50), 64)
    assert rejected.value.reason == "image_too_small"

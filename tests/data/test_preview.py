"""Clips side by side for a page, and the still of their middle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.errors import ConfigError, ContractError, VideoError
from data.preview import poster, side_by_side
from data.schema import Clip
from data.video import decode, encode, probe
from tests.data.samples import clip


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.mp4" for name in ("red", "green", "blue")]
    for channel, path in enumerate(paths):
        frames = np.zeros((10, 64, 64, 3), np.uint8)
        frames[..., channel] = 200
        frames[6:] //= 2  # from frame 6 on it is darker
        encode(Clip(frames, 16.0), path)
    return paths


def test_the_clips_stand_in_order_and_in_step(clips: list[Path], tmp_path: Path) -> None:
    side_by_side(clips, tmp_path / "row.mp4", height_px=32)
    facts = probe(tmp_path / "row.mp4")
    assert (facts.width_px, facts.height_px, facts.num_frames, facts.fps) == (96, 32, 10, 16.0)
    assert (facts.codec, facts.pixel_format) == ("h264", "yuv420p")
    frames = decode(tmp_path / "row.mp4").frames.astype(int)
    for third in range(3):
        middle = frames[:, 16, 32 * third + 16]
        assert middle[2].argmax() == third
        assert 170 < middle[5, third] < 230
        assert 70 < middle[6, third] < 130


def test_the_index_is_in_front(clips: list[Path], tmp_path: Path) -> None:
    side_by_side(clips[:2], tmp_path / "row.mp4", height_px=32)
    data = (tmp_path / "row.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_clip_is_named_and_nothing_is_left(damage: str, clips: list[Path], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (10, 16, 16, 3), dtype=np.uint8)
    encode(Clip(coarse.repeat(4, axis=1).repeat(4, axis=2), 16.0), clips[1])
    data = bytearray(clips[1].read_bytes())
    for place in random.integers(len(data) // 2, len(data), 40):
        data[place] ^= 0xFF
    clips[1].write_bytes(clips[1].read_bytes()[:-200] if damage == "cut" else data)
    with pytest.raises(VideoError, match=r"green\.mp4"):
        side_by_side(clips, tmp_path / "row.mp4", height_px=32)
    assert not (tmp_path / "row.mp4").exists()


def test_names_that_look_like_options_or_addresses_are_names(
    clips: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    odd = [clips[0].rename(tmp_path / "-y %d[v] 'x'.mp4"), clips[1].rename(tmp_path / "http:b.mp4")]
    side_by_side([Path(path.name) for path in odd], Path("-a;b.mp4"), height_px=32)
    assert probe(tmp_path / "-a;b.mp4").num_frames == 10


def test_a_clip_may_stand_beside_itself(clips: list[Path], tmp_path: Path) -> None:
    side_by_side([clips[0], clips[0], clips[1]], tmp_path / "row.mp4", height_px=32)
    assert probe(tmp_path / "row.mp4").width_px == 96


def test_a_clip_is_not_overwritten_by_its_own_preview(clips: list[Path], tmp_path: Path) -> None:
    before = clips[0].read_bytes()
    (tmp_path / "more").mkdir()
    for out in (clips[0], tmp_path / "more" / ".." / "red.mp4"):
        with pytest.raises(ConfigError, match=r"red\.mp4 is one of the clips to show"):
            side_by_side(clips, out, height_px=32)
    assert clips[0].read_bytes() == before


def test_equal_clips_give_equal_previews(clips: list[Path], tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        side_by_side(clips, tmp_path / name, height_px=32)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_a_place_that_cannot_be_written_is_named(clips: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot write .*row\.mp4.*No such file"):
        side_by_side(clips, tmp_path / "nowhere" / "row.mp4", height_px=32)


@pytest.mark.parametrize(("number", "height_px"), [(1, 32), (2, 31), (2, 0)])
def test_what_cannot_stand_side_by_side_is_our_bug(
    clips: list[Path], number: int, height_px: int, tmp_path: Path
) -> None:
    with pytest.raises(ContractError, match="even height"):
        side_by_side(clips[:number], tmp_path / "row.mp4", height_px)


def test_the_poster_is_the_middle_frame(tmp_path: Path) -> None:
    encode(clip(num_frames=9, height=48, width=96), tmp_path / "a.mp4")
    poster(tmp_path / "a.mp4", tmp_path / "a.jpg", height_px=24)
    with Image.open(tmp_path / "a.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (48, 24))
        got = np.asarray(picture.resize((96, 48))).astype(int)
    errors = [np.abs(got - frame).mean() for frame in decode(tmp_path / "a.mp4").frames.astype(int)]
    assert int(np.argmin(errors)) == 4

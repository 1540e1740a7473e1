"""A file from elsewhere reaches no network, no other file and no more memory than its limits say."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from data import limits
from data.errors import VideoError
from data.limits import MAX_FRAME_PIXELS
from data.preview import poster, side_by_side
from data.remux import remux
from data.schema import Clip
from data.shots import find_shots
from data.video import decode, decode_each, decode_sampled, encode, probe
from data.video_stream import frame_chunks, frame_rate
from tests.data.bad_videos import write_video
from tests.data.hostile_videos import claiming_samples, h264_of, listener, playlists, png, png_film
from tests.footage import converted

READERS: dict[str, Callable[[Path], object]] = {
    "decode": decode,
    "some frames": lambda path: decode(path, [0]),
    "sampled": lambda path: decode_sampled(path, lambda number: [number // 2]),
    "one at a time": lambda path: decode_each(path, range, lambda image: image[:1, :1]),
    "probe": probe,
    "chunks": lambda path: list(frame_chunks(path, 2)),
    "rate": frame_rate,
    "shots": find_shots,
    "poster": lambda path: poster(path, path.with_name("poster.jpg"), 16),
    "side by side": lambda path: side_by_side([path, path], path.with_name("pair.mp4"), 16),
    "sound": lambda path: remux(path.with_name("secret.mp4"), path, path.with_name("joined.mp4"), "keep"),
}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.mp4"
    encode(Clip(np.full((4, 32, 32, 3), 200, np.uint8), 8.0), path)
    return path


def refusal(read: Callable[[Path], object], path: Path) -> VideoError:
    with pytest.raises(VideoError) as refused:
        read(path)
    return refused.value


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".m3u8", ".avi"])
@pytest.mark.parametrize("kind", playlists("", ""))
def test_a_playlist_is_no_video_and_nothing_in_it_is_opened(
    kind: str, suffix: str, secret: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"innocent{suffix}"
    with listener() as (address, asked):
        path.write_text(playlists(address, secret.name)[kind])
        for name, read in READERS.items():
            error = refusal(read, path)
            assert (name, error.reason) == (name, "not_a_video")
            assert str(path) in str(error)
    assert asked == []
    assert sorted(made.name for made in tmp_path.iterdir()) == [path.name, secret.name]


def test_the_listener_hears_who_asks() -> None:
    with listener() as (address, asked), pytest.raises(av.FFmpegError):
        av.open(f"{address}/a.mp4")
    assert asked[0].startswith(b"GET /a.mp4")


@pytest.mark.parametrize(
    "name", ["http:host", "concat:secret.mp4|secret.mp4", "subfile,,start,0,end,0,,:secret.mp4", "-i", "%03d"]
)
def test_a_name_is_a_name_and_no_address(
    name: str, secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(f"{name}.mp4")
    with pytest.raises(VideoError, match="no such file"):
        probe(path)
    path.write_bytes(secret.read_bytes())
    assert probe(path).num_frames == 4
    side_by_side([path, path], Path("pair.mp4"), 16)
    assert probe(Path("pair.mp4")).num_frames == 4


@pytest.mark.parametrize("side_px", [16_000, 30_000])  # libav's own limit lies in between
def test_a_picture_of_gigabytes_is_refused_by_what_the_header_claims(side_px: int, tmp_path: Path) -> None:
    picture = png(side_px, side_px)
    path = png_film(tmp_path / "bomb.mov", [picture], side_px, side_px)
    assert path.stat().st_size < 200_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, read in READERS.items():
        if name not in ("rate", "sound"):  # which look at no picture
            error = refusal(read, path)
            assert (name, error.reason) == (name, "corrupt")
            assert "larger than 8K" in str(error)
    grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown_bytes < side_px**2 // 8 / 2, "not even its packed bits were there"


@pytest.mark.parametrize("side_px", [16_000, 30_000])
def test_a_picture_of_gigabytes_behind_a_harmless_header_is_never_unpacked(
    side_px: int, tmp_path: Path
) -> None:
    small, large = png(64, 64), png(side_px, side_px)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, pictures in {"first.mov": [large], "third.mov": [small, small, large]}.items():
        path = png_film(tmp_path / name, pictures, 64, 64)
        for read in (decode, probe, find_shots, READERS["side by side"]):
            assert refusal(read, path).reason == "corrupt"
    grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown_bytes < side_px**2 // 8 / 2, "not even its packed bits were there"


def test_parameters_of_h264_that_claim_gigabytes_are_refused(tmp_path: Path) -> None:
    path = h264_of(tmp_path / "a.mp4", 16_000, 16_000)
    assert path.stat().st_size < 3_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for read in (decode, probe, find_shots, frame_rate):
        error = refusal(read, path)
        assert error.reason == "too_large"
        assert "16000×16000" in str(error)
    grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown_bytes < 16_000**2


def test_8k_is_footage(tmp_path: Path) -> None:
    assert 7680 * 4320 < 8192 * 4320 < MAX_FRAME_PIXELS
    path = png_film(tmp_path / "8k.mov", [png(7680, 4320)] * 2, 7680, 4320)
    assert probe(path).width_px == 7680
    assert decode(path, [1]).frames.shape == (1, 4320, 7680, 3)


def test_many_frames_of_one_colour_are_not_held_at_once_and_can_be_streamed(tmp_path: Path) -> None:
    path = png_film(tmp_path / "long.mov", [png(4096, 4096)] * 130, 4096, 4096)
    assert path.stat().st_size < 10**6
    assert refusal(decode, path).reason == "too_large"
    assert "6 GiB" in str(refusal(decode, path))
    first = next(frame_chunks(path, 2))
    assert first.shape == (2, 4096, 4096, 3)
    assert refusal(lambda path: next(frame_chunks(path, 130)), path).reason == "too_large"


def test_more_frames_than_a_day_has_are_refused_before_and_while_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_FRAMES", 5)
    for number, refused in ((5, False), (6, True)):
        clip = Clip(np.zeros((number, 32, 32, 3), np.uint8), 8.0)
        encode(clip, tmp_path / "told.mp4")  # its header says how many
        untold = write_video(tmp_path / "untold.mkv", range(number), container_format="matroska")
        for path in (tmp_path / "told.mp4", untold):
            for read in (decode, probe, find_shots, lambda path: list(frame_chunks(path, 2))):
                if refused:
                    assert refusal(read, path).reason == "too_long"
                else:
                    read(path)


@pytest.mark.parametrize("count", [10**4, 10**7, 2**32 - 1])
def test_an_index_that_claims_more_than_the_file_holds_takes_no_memory(
    count: int, secret: Path, tmp_path: Path
) -> None:
    path = claiming_samples(tmp_path / "index.mp4", count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, read in READERS.items():
        error = refusal(read, path)
        assert (name, error.reason) == (name, "corrupt")
        assert f"{count:,} samples" in str(error)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000


@pytest.mark.parametrize(
    ("size", "long_size"),
    [(b"\0\0\0\0", b""), (b"\xff\xff\xff\xff", b""), (b"\0\0\0\1", b"\0" * 7 + b"\x18")],
)
def test_such_a_claim_is_found_in_a_box_of_any_stated_size(
    size: bytes, long_size: bytes, tmp_path: Path
) -> None:
    content = claiming_samples(tmp_path / "index.mp4", 10**7).read_bytes()
    place = content.index(b"stsz")
    path = tmp_path / "sized.mp4"
    path.write_bytes(content[: place - 4] + size + b"stsz" + long_size + content[place + 4 :])
    assert "10,000,000 samples" in str(refusal(probe, path))


def test_a_compressed_index_is_not_unpacked(secret: Path, tmp_path: Path) -> None:
    path = tmp_path / "old.mov"
    path.write_bytes(secret.read_bytes().replace(b"udta", b"cmov"))
    assert "compressed" in str(refusal(probe, path))


def test_footage_in_pieces_and_with_plain_sound_has_an_honest_index(secret: Path, tmp_path: Path) -> None:
    pieces = converted(secret, tmp_path / "pieces.mp4", "-c", "copy", "-movflags", "frag_keyframe+empty_moov")
    assert probe(pieces).num_frames == 4
    loud = ("-f", "lavfi", "-i", "sine=duration=0.5", "-c:v", "copy", "-c:a", "pcm_s16le")
    assert probe(converted(secret, tmp_path / "loud.mov", *loud)).num_frames == 4


def test_damaged_headers_are_named_wherever_they_break_off(secret: Path, tmp_path: Path) -> None:
    content = secret.read_bytes()
    path = tmp_path / "cut.mp4"
    for length in range(1, content.index(b"mdat"), 7):
        path.write_bytes(content[:length])
        refusal(probe, path)

"""Clips to files and back: exact frames, exact colours, repeatable bytes, and every kind of bad file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from data import video
from data.errors import ConfigError, ContractError, VideoError
from data.schema import Clip
from data.video import ENCODER, decode, decode_each, decode_sampled, encode, probe
from tests.data.bad_videos import BAD_FILES, write_video
from tests.data.samples import clip


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "good.mp4"
    encode(clip(seed=2, num_frames=24, height=64, width=96), path)
    return path


def test_the_clip_comes_back_in_number_size_rate_and_colour(good: Path) -> None:
    original, back = clip(seed=2, num_frames=24, height=64, width=96), decode(good)
    assert back.frames.shape == original.frames.shape
    assert back.frames.dtype == np.uint8
    assert back.fps == 16.0
    difference = back.frames.astype(float) - original.frames
    assert 10 * np.log10(255**2 / np.mean(difference**2)) > 38  # hard edges lose colour resolution
    assert abs(difference.mean()) < 0.5  # lazy rounding in either direction makes it a level darker


def test_smooth_pictures_are_nearly_exact(tmp_path: Path) -> None:
    y, x = np.mgrid[:64, :96]
    ramp = np.stack([40 + 2 * x, 30 + 2 * y, 90 + x - y], axis=-1).astype(np.uint8)
    original = Clip(np.repeat(ramp[None], 16, axis=0), 16.0)
    encode(original, tmp_path / "ramp.mp4")
    error = decode(tmp_path / "ramp.mp4").frames.astype(float) - original.frames
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 47  # a wrong matrix costs 10 dB, lazy rounding 6


def test_saturated_colours_keep_their_hue(tmp_path: Path) -> None:
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]], np.uint8)
    for index, colour in enumerate(colours):
        path = tmp_path / f"{index}.mp4"
        encode(Clip(np.broadcast_to(colour, (8, 32, 32, 3)).copy(), 16.0), path)
        assert np.abs(decode(path, [4]).frames.astype(int) - colour).max() <= 3


@pytest.mark.parametrize("size", [48, 64, 96, 160])
def test_equal_clips_give_equal_bytes(size: int, tmp_path: Path) -> None:
    same = clip(seed=7, num_frames=12, height=size, width=size)
    hashes = set()
    for attempt in range(12):
        path = tmp_path / f"{attempt}.mp4"
        encode(same, path)
        hashes.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_a_view_with_strides_encodes_like_its_copy(tmp_path: Path) -> None:
    wide = clip(width=96)
    half = wide.frames[:, :, ::2]
    encode(Clip(half, 16.0), tmp_path / "view.mp4")
    encode(Clip(half.copy(), 16.0), tmp_path / "copy.mp4")
    assert (tmp_path / "view.mp4").read_bytes() == (tmp_path / "copy.mp4").read_bytes()


def test_the_file_is_tagged_marked_and_has_its_index_in_front(good: Path, tmp_path: Path) -> None:
    data = good.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(good)) as container:
        assert "Computer-rendered" in container.metadata["comment"]
        frame = next(container.decode(video=0))
        assert (int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc)) == (1, 1, 1)
        assert int(frame.color_range) == 1
    encode(clip(), tmp_path / "ai.mp4", origin="generated")
    with av.open(str(tmp_path / "ai.mp4")) as container:
        assert container.metadata["comment"].endswith("/trainedAlgorithmicMedia")
    encode(clip(), tmp_path / "filmed.mp4", origin="footage")
    with av.open(str(tmp_path / "filmed.mp4")) as container:
        assert "Cut from footage" in container.metadata["comment"]


def test_the_encoder_names_itself() -> None:
    assert all(word in ENCODER for word in ("libx264", "crf=", "preset=", "threads=1", "libavcodec"))


def test_probe_states_what_decodes(good: Path) -> None:
    facts = probe(good)
    assert (facts.width_px, facts.height_px, facts.num_frames) == (96, 64, 24)
    assert (facts.fps, facts.duration_seconds, facts.constant_frame_rate) == (16.0, 1.5, True)
    assert (facts.codec, facts.pixel_format) == ("h264", "yuv420p")


@settings(max_examples=20, deadline=None)
@given(indices=st.lists(st.integers(0, 23), min_size=1, max_size=30))
def test_any_frames_come_back_in_the_order_asked(good: Path, indices: list[int]) -> None:
    everything = decode(good).frames
    picked = decode(good, indices)
    assert np.array_equal(picked.frames, everything[indices])
    assert picked.fps == 16.0


@pytest.mark.parametrize("fps", [16.0, 24.0, 30000 / 1001, 12.5])
def test_frame_rates_survive(fps: float, tmp_path: Path) -> None:
    encode(clip(fps=fps), tmp_path / "a.mp4")
    assert decode(tmp_path / "a.mp4").fps == pytest.approx(fps, rel=1e-6)


def test_a_single_frame_is_a_video(tmp_path: Path) -> None:
    encode(clip(num_frames=1), tmp_path / "one.mp4")
    assert probe(tmp_path / "one.mp4").num_frames == 1


@pytest.mark.parametrize(("height", "width"), [(47, 48), (48, 47), (31, 33)])
def test_odd_sizes_are_refused_with_a_size_that_works(height: int, width: int, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{width}×{height} px.*{width + width % 2}×{height + height % 2}"):
        encode(clip(height=height, width=width), tmp_path / "odd.mp4")
    assert not (tmp_path / "odd.mp4").exists()


def test_no_frames_to_encode_is_our_bug(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no frames"):
        encode(Clip(np.zeros((0, 16, 16, 3), np.uint8), 16.0), tmp_path / "none.mp4")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot write .*file/a\.mp4"):
        encode(clip(), tmp_path / "file" / "a.mp4")


@pytest.mark.parametrize("indices", [[], [-1], [3, -2]])
def test_indices_that_mean_nothing_are_our_bug(good: Path, indices: list[int]) -> None:
    with pytest.raises(ContractError, match="indices"):
        decode(good, indices)
    with pytest.raises(ContractError, match="indices"):
        decode_sampled(good, lambda number: indices)


def test_a_frame_past_the_end_says_how_many_there_are(good: Path) -> None:
    with pytest.raises(VideoError, match=r"frame 24 was asked for.*24 frames") as caught:
        decode(good, [3, 24])
    assert caught.value.reason == "missing_frame"


# --- frames picked by their number -------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(picked=st.lists(st.integers(0, 23), min_size=1, max_size=30))
def test_sampled_frames_are_exactly_the_decoded_ones(good: Path, picked: list[int]) -> None:
    told: list[int] = []

    def sample(number: int) -> list[int]:
        told.append(number)
        return picked

    sampled, decoded = decode_sampled(good, sample), decode(good, picked)
    assert told == [24]
    assert np.array_equal(sampled.frames, decoded.frames)
    assert sampled.fps == decoded.fps


def test_what_is_made_of_each_frame_is_in_the_place_of_that_frame(good: Path, shortened: Path) -> None:
    for path, number in ((good, 24), (shortened, 16)):
        made = decode_each(path, lambda known: [known - 1, 0, 0], lambda image: image[::4, ::2, 1] / 2)
        assert np.array_equal(made, decode(path, [number - 1, 0, 0]).frames[:, ::4, ::2, 1] / 2)


@pytest.fixture
def shortened(tmp_path: Path) -> Path:
    """24 pictures of which an edit list hides the first 8, as a cut without re-encoding leaves them."""
    return write_video(tmp_path / "shortened.mp4", range(-8, 16))


def test_a_file_that_holds_more_than_it_shows_is_sampled_by_what_decodes(shortened: Path) -> None:
    with av.open(str(shortened)) as container:
        assert container.streams.video[0].frames == 24
    shown = decode(shortened).frames
    assert len(shown) == 16
    for sample in (lambda number: [0, number - 1], lambda number: [number // 2]):
        assert np.array_equal(decode_sampled(shortened, sample).frames, shown[sample(16)])


def test_a_sample_past_the_end_says_how_many_there_are(good: Path, shortened: Path) -> None:
    for path, number in ((good, 24), (shortened, 16)):
        with pytest.raises(VideoError, match=f"frame {number} was asked for.*{number} frames") as caught:
            decode_sampled(path, lambda known: [0, known])
        assert caught.value.reason == "missing_frame"


def test_a_disk_that_stumbles_while_frames_are_counted_costs_no_frame(
    good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stumbling = MagicMock()
    stumbling.__exit__.return_value = False
    stumbling.__enter__.return_value.demux.side_effect = OSError(errno.EIO, "Input/output error")
    opened = iter([lambda path: stumbling])
    really = video.opened
    monkeypatch.setattr(video, "opened", lambda path: next(opened, really)(path))
    sampled = decode_sampled(good, lambda number: [0, number - 1])
    assert np.array_equal(sampled.frames, decode(good, [0, 23]).frames)


# --- files that others wrote -------------------------------------------------------------------


def sampled_ends(path: Path) -> Clip:
    return decode_sampled(path, lambda number: [0, number - 1])


@pytest.mark.parametrize("read", [decode, probe, sampled_ends])
@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_named_with_a_stable_reason(
    kind: str, read: Callable[[Path], object], noisy: bytes, tmp_path: Path
) -> None:
    reason, spoil = BAD_FILES[kind]
    path = tmp_path / "given.mp4"
    spoil(path, noisy)
    with pytest.raises(VideoError, match=r"given\.mp4") as caught:
        read(path)
    assert caught.value.reason == reason


def test_a_single_flipped_byte_is_noticed_or_harmless(noisy: bytes, tmp_path: Path) -> None:
    """Damage may hide in one picture's residual, but it never costs a frame in silence."""
    start = noisy.index(b"mdat") + 3000
    for place in range(start, len(noisy), (len(noisy) - start) // 10):
        path = tmp_path / f"{place}.mp4"
        path.write_bytes(noisy[:place] + bytes([noisy[place] ^ 0x55]) + noisy[place + 1 :])
        with contextlib.suppress(VideoError):
            assert probe(path).num_frames == 24


def test_the_wrong_extension_is_refused(good: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "matroska.mp4", range(8), container_format="matroska")
    (tmp_path / "movie.txt").write_bytes(good.read_bytes())
    for name in ("matroska.mp4", "movie.txt"):
        with pytest.raises(VideoError, match="rename it") as caught:
            decode(tmp_path / name)
        assert caught.value.reason == "wrong_extension"


def test_a_variable_frame_rate_is_refused_by_decode_and_stated_by_probe(tmp_path: Path) -> None:
    path = write_video(tmp_path / "vfr.mp4", [0, 1, 2, 5, 6, 7, 12, 13, 20, 21])
    with pytest.raises(VideoError, match="constant rate") as caught:
        decode(path)
    assert caught.value.reason == "variable_frame_rate"
    facts = probe(path)
    assert not facts.constant_frame_rate
    assert facts.num_frames == 10


def test_a_title_in_an_old_encoding_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "titled.avi"
    with av.open(str(path), "w", format="avi") as container:
        container.metadata["title"] = "Groesse"
        stream = container.add_stream("mpeg4", rate=16)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        container.mux(stream.encode(VideoFrame.from_ndarray(clip(height=64, width=96).frames[0], "rgb24")))
        container.mux(stream.encode(None))
    path.write_bytes(
        path.read_bytes().replace(b"Groesse", "Gr\u00f6\u00dfte".encode("latin-1").ljust(7, b"."))
    )
    assert decode(path).frames.shape == (1, 64, 96, 3)


def test_millisecond_containers_are_constant_enough(tmp_path: Path) -> None:
    path = write_video(tmp_path / "ticks.mkv", range(20), container_format="matroska")
    assert decode(path).fps == pytest.approx(16.0)


@pytest.mark.parametrize("codec", ["mpeg4", "ffv1"])
def test_odd_sizes_are_read(codec: str, tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "odd.mkv", range(8), codec=codec, container_format="matroska", height=31, width=51
    )
    back = decode(path)
    assert back.frames.shape == (8, 31, 51, 3)
    original = clip(height=31, width=51).frames
    assert np.abs(back.frames.astype(int) - original).mean() < 8
    assert (probe(path).width_px, probe(path).height_px) == (51, 31)


def test_errors_survive_the_way_between_processes(tmp_path: Path) -> None:
    import pickle

    with pytest.raises(VideoError) as caught:
        decode(tmp_path / "nowhere.mp4")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.path, again.reason, str(again)) == (
        caught.value.path,
        caught.value.reason,
        str(caught.value),
    )

"""A re-timed picture beside the sound of its source: left out, kept, or stretched; nothing else changes."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigError, VideoError
from data.remux import Sound, remux, tempos
from data.schema import Clip
from data.video import decode, encode, probe

TONE_HZ = 440.0


def with_tone(path: Path, seconds: float, comment: str = "") -> Path:
    """A video at 10 fps, as long as its tone."""
    silent = path.with_suffix(".silent.mp4")
    encode(Clip(np.full((round(10 * seconds), 32, 32, 3), 90, np.uint8), 10.0), silent)
    tone = f"sine=frequency={TONE_HZ}:duration={seconds}:sample_rate=16000"
    command = ["-loglevel", "error", "-y", "-i", str(silent), "-f", "lavfi", "-i", tone, "-c:v", "copy"]
    command += ["-metadata", f"comment={comment}", "-shortest", str(path)]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *command], check=True)
    return path


def silent_video(path: Path, seconds: float) -> Path:
    encode(Clip(np.full((round(10 * seconds), 32, 32, 3), 60, np.uint8), 10.0), path)
    return path


def heard(path: Path) -> tuple[npt.NDArray[np.float64], int]:
    """Samples of the first channel and their rate."""
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
        parts = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(parts).astype(np.float64), rate


def pitch_hz(samples: npt.NDArray[np.float64], rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate / len(samples))


def test_dropped_sound_leaves_a_silent_video(tmp_path: Path) -> None:
    source, video = with_tone(tmp_path / "s.mp4", 2), silent_video(tmp_path / "v.mp4", 2)
    assert remux(video, source, tmp_path / "out.mp4", "drop") is False
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio


@pytest.mark.parametrize("sound", ["drop", "keep", "stretch"])
def test_the_picture_is_untouched(sound: Sound, tmp_path: Path) -> None:
    source, video = with_tone(tmp_path / "s.mp4", 2), silent_video(tmp_path / "v.mp4", 3)
    remux(video, source, tmp_path / "out.mp4", sound)
    np.testing.assert_array_equal(decode(tmp_path / "out.mp4").frames, decode(video).frames)
    assert probe(tmp_path / "out.mp4") == probe(video)


def test_kept_sound_is_followed_by_silence(tmp_path: Path) -> None:
    source, video = with_tone(tmp_path / "s.mp4", 1), silent_video(tmp_path / "v.mp4", 3)
    assert remux(video, source, tmp_path / "out.mp4", "keep") is True
    samples, rate = heard(tmp_path / "out.mp4")
    assert len(samples) / rate == pytest.approx(3, abs=0.15)
    tone, rest = samples[int(0.2 * rate) : int(0.8 * rate)], samples[int(1.4 * rate) :]
    assert pitch_hz(tone, rate) == pytest.approx(TONE_HZ, rel=0.02)
    assert np.abs(rest).max() < np.abs(tone).max() / 20


def test_kept_sound_is_cut_off(tmp_path: Path) -> None:
    source, video = with_tone(tmp_path / "s.mp4", 3), silent_video(tmp_path / "v.mp4", 1)
    remux(video, source, tmp_path / "out.mp4", "keep")
    samples, rate = heard(tmp_path / "out.mp4")
    assert len(samples) / rate == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("seconds", [0.6, 1.5, 7])
def test_stretched_sound_lasts_as_long_as_the_picture_at_its_pitch(seconds: float, tmp_path: Path) -> None:
    source, video = with_tone(tmp_path / "s.mp4", 3), silent_video(tmp_path / "v.mp4", seconds)
    assert remux(video, source, tmp_path / "out.mp4", "stretch") is True
    samples, rate = heard(tmp_path / "out.mp4")
    assert len(samples) / rate == pytest.approx(seconds, abs=0.15)
    middle = samples[int(0.2 * seconds * rate) : int(0.8 * seconds * rate)]
    assert pitch_hz(middle, rate) == pytest.approx(TONE_HZ, rel=0.02)
    assert np.abs(samples[int(0.85 * seconds * rate) : int(0.95 * seconds * rate)]).max() > 0.02


@pytest.mark.parametrize("sound", ["keep", "stretch"])
def test_a_source_without_sound_gives_none(sound: Sound, tmp_path: Path) -> None:
    source, video = silent_video(tmp_path / "s.mp4", 2), silent_video(tmp_path / "v.mp4", 1)
    assert remux(video, source, tmp_path / "out.mp4", sound) is False


def test_what_the_source_says_of_itself_is_kept(tmp_path: Path) -> None:
    source = with_tone(tmp_path / "s.mp4", 1, comment="AI-generated video: 50 % of it, 'quoted'")
    remux(silent_video(tmp_path / "v.mp4", 1), source, tmp_path / "out.mp4", "drop")
    with av.open(str(tmp_path / "out.mp4")) as container:
        comment = container.metadata["comment"]
    assert comment.endswith("AI-generated video: 50 % of it, 'quoted'")
    assert "re-timed" in comment


def test_neither_file_is_overwritten(tmp_path: Path) -> None:
    source, video = silent_video(tmp_path / "s.mp4", 1), silent_video(tmp_path / "v.mp4", 1)
    for out in (source, video):
        before = out.read_bytes()
        with pytest.raises(ConfigError, match="overwritten"):
            remux(video, source, out, "drop")
        assert out.read_bytes() == before


def test_a_source_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.mp4").write_bytes(b"no video")
    with pytest.raises(VideoError):
        remux(silent_video(tmp_path / "v.mp4", 1), tmp_path / "s.mp4", tmp_path / "out.mp4", "keep")
    assert not (tmp_path / "out.mp4").exists()


@given(st.floats(0.01, 90))
def test_every_tempo_is_one_a_filter_takes(factor: float) -> None:
    parts = tempos(factor)
    assert all(0.5 <= part <= 100 for part in parts)
    assert math.prod(parts) == pytest.approx(factor)

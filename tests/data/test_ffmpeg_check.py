"""An ffmpeg that is missing, or that cannot write H.264, is found before a clip is lost to it."""

from pathlib import Path

import pytest

from data.ffmpeg_check import check_disk, check_ffmpeg


def program(folder: Path, script: str) -> str:
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_the_bundled_program_is_well() -> None:
    found = check_ffmpeg()

    assert found.ok
    assert "libx264" in found.detail
    assert not found.what_to_do


@pytest.mark.parametrize(
    ("script", "said"), [("exit 3", "no ffmpeg runs here"), ("echo V libx265", "has no libx264")]
)
def test_one_that_fails_or_lacks_the_encoder_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: program(tmp_path, script))

    found = check_ffmpeg()

    assert not found.ok
    assert said in found.detail
    assert "install" in found.what_to_do


def test_none_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: "/nowhere/ffmpeg")

    assert not check_ffmpeg().ok


def test_room_is_looked_for_where_a_new_folder_will_lie(tmp_path: Path) -> None:
    found = check_disk(tmp_path / "a" / "b", 1.0)

    assert found.ok
    assert found.detail.startswith(f"{tmp_path}: ")
    assert not check_disk(tmp_path, 1e18).ok

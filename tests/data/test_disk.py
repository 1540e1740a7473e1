"""Whole files or none, and a disk that refuses is explained."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from data.disk import disk_errors, file_sha256, inside, sweep_partial, write_atomically
from data.errors import ConfigError


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "disk that can be written"),
        (errno.EACCES, "write access"),
        (errno.EFBIG, "ulimit"),
        (errno.ENOTDIR, "is a file"),
        (errno.ENOENT, "another output folder"),
    ],
)
def test_what_the_owner_can_mend_is_said_with_its_remedy(code: int, remedy: str, tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=f"cannot write {tmp_path}.*{remedy}"),
        disk_errors(tmp_path),
    ):
        raise OSError(code, os.strerror(code))


def test_other_errors_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output"), disk_errors(tmp_path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_write_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    write_atomically(path, b"a long first version")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_are_swept_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".manifest.json.x1.partial").touch()
    (tmp_path / "manifest.json").touch()
    (tmp_path / ".lock").touch()
    sweep_partial(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "manifest.json"]


def test_a_path_under_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot write"):
        write_atomically(tmp_path / "file" / "manifest.json", b"{}")


def test_the_hash_is_the_content_s(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_sha256(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")


@pytest.mark.parametrize("name", ["..", "../x", "/etc/passwd", "a/../../x", "", "."])
def test_names_that_leave_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="leaves the folder"):
        inside(tmp_path / "root", name)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="leaves the folder"):
        inside(root, "link/other")
    assert inside(root, "data/train.parquet") == root / "data" / "train.parquet"

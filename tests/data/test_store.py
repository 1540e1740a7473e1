"""Artifacts that are whole or absent, found again by what determines them."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import store as store_module
from data.errors import ConfigError, ContractError
from data.schema import Blob, Category, ClipFormat, Role
from data.store import Store, artifact_key
from tests.data.samples import plan


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def files(store: Store) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file())


# --- keys --------------------------------------------------------------------------------------

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
determinants = st.dictionaries(
    st.sampled_from(["seed", "plan", "stage", "backend", "size"]), values, max_size=5
)


@given(determinants)
def test_a_key_does_not_depend_on_order(given_: dict[str, object]) -> None:
    backwards = dict(reversed(given_.items()))
    assert artifact_key("clips", **given_) == artifact_key("clips", **backwards)


@given(determinants, determinants)
def test_different_determinants_have_different_keys(one: dict[str, object], other: dict[str, object]) -> None:
    same = repr(sorted(one.items())) == repr(sorted(other.items()))
    if not same and one != other:
        assert artifact_key("clips", **one) != artifact_key("clips", **other)
    assert artifact_key("clips", **one) != artifact_key("frames", **one)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_a_hair_away_has_another_key(number: float) -> None:
    import math

    near = math.nextafter(number, 0.0 if number else 1.0)
    assert artifact_key("s", x=number) != artifact_key("s", x=near)


def test_every_field_of_a_plan_counts() -> None:
    base = plan(1)
    others = [
        replace(base, seed=base.seed + 1),
        replace(base, category=Category.SCENE_STYLE),
        replace(base, negative_motion="bow"),
        replace(base, positive=replace(base.positive, camera="low")),
        replace(base, prompts=replace(base.prompts, motion="")),
    ]
    keys = {artifact_key("clips", plan=each, format=ClipFormat()) for each in [base, *others]}
    assert len(keys) == 6
    assert artifact_key("clips", plan=plan(1), format=ClipFormat()) in keys


def test_enums_count_as_their_values_and_tuples_as_lists() -> None:
    class Number(Enum):
        ONE = 1

    assert artifact_key("s", role=Role.POSITIVE, n=Number.ONE) == artifact_key("s", role="positive", n=1)
    assert artifact_key("s", x=(1, 2)) == artifact_key("s", x=[1, 2])
    assert artifact_key("s", x={Role.POSITIVE: 1}) == artifact_key("s", x={"positive": 1})


@dataclass(frozen=True)
class Holder:
    inside: object


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        {1, 2},
        b"bytes",
        Path("a"),
        object(),
        {1: "a"},
        Holder(b"x"),
        [[{"a": set()}]],
    ],
)
def test_what_does_not_repeat_is_refused_and_located(value: object) -> None:
    with pytest.raises(ContractError, match=r"clips\.determinants\.thing"):
        artifact_key("clips", thing=value)


# --- blobs and records -------------------------------------------------------------------------


@given(data=st.binary(max_size=200))
def test_bytes_come_back_under_their_hash(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    store = Store(tmp_path_factory.mktemp("store"))
    blob = store.put_bytes(data, ".bin")
    assert blob == Blob(hashlib.sha256(data).hexdigest(), len(data), ".bin")
    assert store.read(blob) == data
    assert files(store) == [store.path(blob)]
    assert store.path(blob).name == f"{blob.sha256}.bin"


def test_an_equal_blob_is_kept_and_a_cut_one_replaced(store: Store) -> None:
    blob = store.put_bytes(b"content", ".bin")
    before = store.path(blob).stat().st_ino
    store.put_bytes(b"content", ".bin")
    assert store.path(blob).stat().st_ino == before
    store.path(blob).write_bytes(b"cont")
    assert not store.has(blob)
    store.put_bytes(b"content", ".bin")
    assert store.read(blob) == b"content"


def test_a_changed_blob_is_not_handed_out(store: Store) -> None:
    blob = store.put_bytes(b"content", ".bin")
    store.path(blob).write_bytes(b"CONTENT")
    with pytest.raises(ConfigError, match=f"{blob.sha256}.*delete it"):
        store.read(blob)
    store.path(blob).unlink()
    with pytest.raises(ConfigError, match="cannot read"):
        store.read(blob)


def test_a_record_comes_back_as_it_was_published(store: Store) -> None:
    clips = {role: store.put_bytes(role.encode(), ".mp4") for role in Role}
    record = {
        "clips": clips,
        "measures": {"a": 0.1 + 0.2, "psnr": float("inf")},
        "frames": [store.put_bytes(b"png", ".png")],
        "reason": None,
    }
    key = artifact_key("clips", seed=1)
    assert store.find("clips", key) is None
    store.publish("clips", key, record)
    found = store.find("clips", key)
    assert found == record
    assert found["clips"][Role.POSITIVE] == clips[Role.POSITIVE]
    assert store.find("verdict", key) is None
    assert (store.root / "records" / "clips" / key[:2] / f"{key}.json").is_file()


@pytest.mark.parametrize("harm", ["missing", "cut"])
def test_a_record_without_its_blobs_counts_as_absent(store: Store, harm: str) -> None:
    blob = store.put_bytes(b"frames", ".mp4")
    store.publish("clips", "ab" * 32, {"deep": [{"clip": blob}]})
    path = store.path(blob)
    path.unlink() if harm == "missing" else path.write_bytes(b"fr")
    assert store.find("clips", "ab" * 32) is None


def test_a_damaged_record_counts_as_absent(store: Store) -> None:
    store.publish("clips", "ab" * 32, {"n": 1})
    (path,) = files(store)
    path.write_text(path.read_text()[:-3])
    assert store.find("clips", "ab" * 32) is None


def test_a_record_of_foreign_things_is_our_bug(store: Store) -> None:
    with pytest.raises(ContractError, match="holds a PosixPath"):
        store.publish("clips", "ab" * 32, {"where": Path("x")})
    assert store.find("clips", "ab" * 32) is None


# --- crashes and full disks --------------------------------------------------------------------


def test_a_writer_that_fails_leaves_nothing(store: Store) -> None:
    def write(path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("encoder died")

    with pytest.raises(RuntimeError, match="encoder died"):
        store.put_file(write, ".mp4")
    assert files(store) == []


def test_a_writer_that_writes_nothing_is_our_bug(store: Store) -> None:
    with pytest.raises(ContractError, match="without writing"):
        store.put_file(lambda path: None, ".mp4")


def test_a_killed_process_leaves_only_what_sweep_removes(store: Store) -> None:
    script = """
        import os, signal, sys
        from pathlib import Path
        from data.store import Store

        def write(path):
            path.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)

        Store(Path(sys.argv[1])).put_file(write, ".mp4")
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(store.root)]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == -9
    (leftover,) = files(store)
    assert leftover.parent.name == "tmp"
    assert leftover.suffix == ".mp4"
    assert store.sweep() == 1
    assert files(store) == []
    assert store.sweep() == 0


def test_a_full_disk_in_the_middle_of_a_clip_leaves_no_trace(store: Store) -> None:
    """A file size limit stands in for the full disk: the same path through the encoder, another errno."""
    script = """
        import resource, sys
        from pathlib import Path
        from data.errors import ConfigError
        from data.store import Store
        from data.video import encode
        from tests.data.samples import clip

        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
        made = clip(num_frames=40)
        try:
            Store(Path(sys.argv[1])).put_file(lambda path: encode(made, path), ".mp4")
        except ConfigError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(store.root)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert str(store.root) in done.stdout
    assert files(store) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_is_explained_and_no_record_appears(
    store: Store, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(store_module, "sync_file", refuse)
    with pytest.raises(ConfigError, match=f"cannot write {store.root}.*{os.strerror(code)}"):
        store.put_bytes(b"x", ".bin")
    with pytest.raises(ConfigError, match="cannot write"):
        store.publish("clips", "ab" * 32, {"n": 1})
    assert files(store) == []


def test_a_store_under_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="choose another output folder"):
        Store(tmp_path / "file").put_bytes(b"x", ".bin")


def test_threads_that_write_the_same_bytes_meet_at_one_blob(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        blobs = set(pool.map(lambda _: store.put_bytes(b"same" * 1000, ".bin"), range(40)))
    (blob,) = blobs
    assert files(store) == [store.path(blob)]


def test_sweeping_a_shared_folder_spares_what_is_being_written(store: Store) -> None:
    with store.temporary(".mp4") as old, store.temporary(".mp4") as young:
        old.write_bytes(b"lost")
        young.write_bytes(b"at work")
        os.utime(old, (0, 0))
        (store.root / "tmp" / "gone").symlink_to(store.root / "nowhere")  # its owner renamed it meanwhile
        assert store.sweep(idle_seconds=3600) == 1
        assert (old.exists(), young.exists()) == (False, True)

"""A build whose finished work lies in S3: the same data set, nothing made twice, plain words for faults."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from data import bucket, manifest
from data.bucket import Bucket
from flows import build_synthetic, ledger
from flows.recipe import load_recipe
from flows.workspace import claimed, opened
from tests.flows.commands import TINY, simmotion, simmotion_here
from tests.flows.conftest import Prefect
from tests.s3_server import BUCKET, Fault, Server

URL = f"s3://{BUCKET}/team/prefix"
FOR_EVER = 1_000_000


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits before asking again, and Prefect asks no more."""
    monkeypatch.setattr(bucket, "LONGEST_DELAY_SECONDS", 0.0)
    for task in (build_synthetic.prompts, build_synthetic.first_frames, build_synthetic.clips):
        monkeypatch.setattr(task, "retries", 0)


def _build(out: Path, prefect: Prefect, store: str = URL) -> subprocess.CompletedProcess[str]:
    arguments = ("build", "--out", out, *TINY, "--store", store)
    return simmotion_here(*arguments, environment=prefect.environment)


def _assert_alike(out: Path, undisturbed: Path) -> None:
    for name in ("manifest.json", "rejects.jsonl"):
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes()
    shards = [shard.path for shard in manifest.read(out / "manifest.json").shards]
    assert shards
    assert all((out / path).read_bytes() == (undisturbed / path).read_bytes() for path in shards)


def _made(out: Path) -> Counter[tuple[str, str]]:
    return Counter((entry.stage, entry.key) for entry in ledger.read(out / "ledger.jsonl"))


def test_a_build_into_s3_is_the_same_data_set_and_another_one_makes_nothing(
    s3: Server, prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for out in (first, second):
        run = _build(out, prefect)
        assert run.returncode == 0, run.stderr
        _assert_alike(out, undisturbed)
    assert _made(first) == _made(undisturbed)
    assert not _made(second)
    assert not list(Bucket(URL).names("leases")), "a lease was left behind"
    assert opened(second).store_url == URL
    for canary in (s3.environment["AWS_ACCESS_KEY_ID"], s3.environment["AWS_SECRET_ACCESS_KEY"]):
        assert canary not in (second / "run.json").read_text()

    s3.reset()  # whoever has the folder needs the store no more
    for command in (
        ("verify", second),
        ("export", second, "--to", tmp_path / "folders"),
        ("evaluate", second, "--backbone", "hog"),
    ):
        run = simmotion_here(*command, environment=prefect.environment)
        assert run.returncode == 0, run.stderr
    assert len(list((tmp_path / "folders").rglob("positive.mp4"))) == 5

    (clip, *_) = (second / "store").glob("*/blobs/*/*.mp4")
    clip.write_bytes(clip.read_bytes()[:-1])
    run = simmotion_here("verify", second, environment=prefect.environment)
    assert run.returncode == 2
    assert f"{clip.relative_to(second)}: blob_sha256" in run.stderr, "what was fetched is checked, too"


def test_a_killed_build_into_s3_goes_on_where_it_was(
    s3: Server, prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "tests.flows.killed_build", "half a clip is encoded", "5"]
    arguments = ["build", "--out", str(out), *TINY, "--store", URL]
    died = subprocess.run([*command, *arguments], env=prefect.environment, capture_output=True, timeout=240)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert let_leases_run_out(s3), "it died while it held one"
    run = _build(out, prefect)
    assert run.returncode == 0, run.stderr
    _assert_alike(out, undisturbed)
    assert max(_made(out).values()) == 1, "something finished was made again"
    assert simmotion_here("verify", out, environment=prefect.environment).returncode == 0


def let_leases_run_out(s3: Server) -> int:
    """As if the time to live had passed of what dead processes hold."""
    kept = Bucket(URL)
    names = list(kept.names("leases"))
    contents = {name: json.loads(kept.get(name) or b"{}") | {"ttl_seconds": 0.0} for name in names}
    root = URL.removeprefix(f"s3://{BUCKET}/")
    s3.keep({f"{root}/{name}": json.dumps(content).encode() for name, content in contents.items()})
    return len(names)


def test_workers_that_share_no_disk_make_the_same_data_set(
    s3: Server, prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out, seen = tmp_path / "out", tmp_path / "workers"
    seen.mkdir()
    blind = {
        **prefect.environment,
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "tests.flows.blind_worker",
        "SIMMOTION_TEST_UNSEEN": str(out),
        "SIMMOTION_TEST_WORKERS": str(seen),
    }
    arguments = ("build", "--out", out, *TINY, "--store", URL, "--runner", "dask")
    run = simmotion(*arguments, environment=blind)
    assert run.returncode == 0, run.stderr
    assert len(list(seen.glob("worker-*"))) == 2, "no worker was blind"
    assert list(seen.glob("cache-*")), "no worker made anything"
    _assert_alike(out, undisturbed)
    assert _made(out) == _made(undisturbed)


def test_keys_that_are_refused_are_told_before_anything_is_made(
    s3: Server, prefect: Prefect, tmp_path: Path
) -> None:
    s3.ask_for_keys()
    run = _build(tmp_path / "out", prefect)
    assert run.returncode == 2
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in run.stderr
    assert not (tmp_path / "out" / "run.json").exists()


def test_a_bucket_that_is_not_there_is_told_before_anything_is_made(
    s3: Server, prefect: Prefect, tmp_path: Path
) -> None:
    run = _build(tmp_path / "out", prefect, "s3://another/prefix")
    assert run.returncode == 2
    assert "create the bucket, or correct its name in the recipe's store" in run.stderr
    assert not (tmp_path / "out" / "run.json").exists()


def test_keys_in_the_address_are_refused_before_a_folder_is_made(prefect: Prefect, tmp_path: Path) -> None:
    run = _build(tmp_path / "out", prefect, "s3://CANARY:HUSH@store/prefix")
    assert run.returncode == 2
    assert "holds keys" in run.stderr
    assert "HUSH" not in run.stderr
    assert not (tmp_path / "out").exists()


def test_a_store_that_goes_away_loses_nothing(
    s3: Server, impatient: None, prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out, clips = tmp_path / "out", "/records/clips/"
    s3.fail(*(Fault(method, clips, "reset", FOR_EVER) for method in ("GET", "HEAD", "PUT")))
    run = _build(out, prefect)
    assert run.returncode == 1
    assert "run the same command again" in run.stderr
    assert URL in run.stderr
    before = _made(out)
    s3.fail()
    run = _build(out, prefect)
    assert run.returncode == 0, run.stderr
    _assert_alike(out, undisturbed)
    assert {stage for stage, _ in before} == {"plan", "first_frames"}
    assert _made(out) == _made(undisturbed), "what was finished before is made once"


def test_a_store_that_does_not_answer_at_the_start_is_told(
    s3: Server, impatient: None, prefect: Prefect, tmp_path: Path
) -> None:
    s3.fail(*(Fault(method, "/probes/", "503 SlowDown", FOR_EVER) for method in ("GET", "HEAD", "PUT")))
    run = _build(tmp_path / "out", prefect)
    assert run.returncode == 1
    assert "run the same command again later" in run.stderr


def test_a_service_that_cannot_keep_two_writers_apart_is_told(s3: Server, tmp_path: Path) -> None:
    s3.fail(Fault("PUT", "/probes/", "unconditional", FOR_EVER))
    recipe = load_recipe("demo").overridden(store=URL)
    with (
        pytest.warns(UserWarning, match=r"does not know conditional puts.*one run at a time"),
        claimed(tmp_path / "out", recipe),
    ):
        pass

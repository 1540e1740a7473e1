"""The command from outside: what it makes, what it refuses, and how it says so."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from data import manifest, trajectory
from data.layout import read_folders
from data.schema import MEASURES, Category, Role
from data.shards import read_rows
from data.store import Store
from data.video import decode
from flows import ledger
from tests.flows.commands import TINY, simmotion
from tests.flows.conftest import Prefect


def test_a_build_balances_and_holds_every_category(undisturbed: Path) -> None:
    written = manifest.read(undisturbed / "manifest.json")
    assert written.counts.requested == 5
    assert sum(written.counts.parts.values()) == 5
    rows = list(read_rows([undisturbed / shard.path for shard in written.shards]))
    assert len(rows) == written.counts.accepted
    assert {row["category"] for row in rows} <= set(Category)
    for row in rows:
        assert all(row[name] is not None for name in MEASURES)
        assert row["sm_margin"] == pytest.approx(row["sm_positive"] - row["sm_negative"], abs=1e-5)


def test_the_oracle_finds_every_positive(undisturbed: Path) -> None:
    retrieval = manifest.read(undisturbed / "manifest.json").retrieval
    assert retrieval["true motion (oracle)"]["average"] == 1.0
    assert set(retrieval) == {"HOG, mean-pooled", "HOG, SemanticMoments", "true motion (oracle)"}


def test_motion_is_shared_to_the_last_bit_and_the_negative_starts_alike(undisturbed: Path) -> None:
    for row in read_rows(sorted((undisturbed / "data").glob("*.parquet"))):
        reference, positive, negative = (row[f"{role}_trajectory"] for role in Role)
        assert reference["channels"] == positive["channels"] != negative["channels"]
        assert reference["channels"][0] == negative["channels"][0]
        assert reference["joints"][0] == negative["joints"][0]
        if row["category"] != Category.DYNAMIC_OBJECT:
            assert reference["joints"] == positive["joints"]


def test_the_stored_bytes_are_the_clips_and_the_truth(undisturbed: Path, tmp_path: Path) -> None:
    row = next(read_rows(sorted((undisturbed / "data").glob("*.parquet"))))
    path = tmp_path / row["reference"]["path"]
    path.write_bytes(row["reference"]["bytes"])
    clip = decode(path)
    assert clip.frames.shape == (row["num_frames"], row["height_px"], row["width_px"], 3) == (16, 96, 96, 3)
    assert clip.fps == row["fps"] == 8
    stored = list((undisturbed / "store" / "blobs").rglob("*.npz"))
    truths = [trajectory.from_bytes(path.read_bytes()).channels for path in stored]
    assert any(np.array_equal(truth, row["reference_trajectory"]["channels"]) for truth in truths)


def test_the_same_recipe_gives_the_same_hashes_elsewhere(
    prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    again = simmotion(
        "build", "--out", tmp_path / "b", *TINY, "--workers", "1", environment=prefect.environment
    )
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "b" / "manifest.json").read_bytes() == (undisturbed / "manifest.json").read_bytes()


def test_a_finished_build_is_not_made_again(prefect: Prefect, undisturbed: Path) -> None:
    before = (undisturbed / "ledger.jsonl").read_bytes()
    again = simmotion("build", "--out", undisturbed, *TINY, environment=prefect.environment)
    assert again.returncode == 0, again.stderr
    assert (undisturbed / "ledger.jsonl").read_bytes() == before


def test_a_limit_leaves_the_rest_pending_and_the_next_run_makes_it(
    prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = simmotion("build", "--out", out, *TINY, "--limit", "2", environment=prefect.environment)
    assert first.returncode == 0, first.stderr
    assert manifest.read(out / "manifest.json").counts.pending == 3
    rest = simmotion("build", "--out", out, *TINY, environment=prefect.environment)
    assert rest.returncode == 0, rest.stderr
    assert (out / "manifest.json").read_bytes() == (undisturbed / "manifest.json").read_bytes()


def test_another_recipe_is_refused_and_a_fork_shares_the_work(
    prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    small = ("build", "--out", out, *TINY, "--categories", "view")
    assert simmotion(*small, environment=prefect.environment).returncode == 0
    refused = simmotion(*small[:-1], "view,scene_style", environment=prefect.environment)
    assert refused.returncode == 2
    assert "belongs to another recipe" in refused.stderr
    assert "--fork" in refused.stderr
    forked = simmotion(*small[:-1], "view,scene_style", "--fork", environment=prefect.environment)
    assert forked.returncode == 0, forked.stderr
    (child,) = tmp_path.glob("out-*")
    made = {entry.triplet_id for entry in ledger.read(child / "ledger.jsonl")}
    assert made == {"scene_style_0000"}, "the view triplet was already finished"


def test_rejects_are_recorded_with_their_reason_and_counts_still_balance(
    prefect: Prefect, tmp_path: Path
) -> None:
    recipe = tmp_path / "strict.yaml"
    recipe.write_text(
        "name: strict\ncategories: [view]\nper_category: 1\nmax_attempts: 2\n"
        "format: {size_px: 96, duration_seconds: 2, fps: 8}\nthresholds: {min_motion: 1000}\n"
    )
    run = simmotion("build", "--recipe", recipe, "--out", tmp_path / "out", environment=prefect.environment)
    assert run.returncode == 0, run.stderr
    written = manifest.read(tmp_path / "out" / "manifest.json")
    assert (written.counts.accepted, written.counts.rejected) == (0, {"static": 1})
    rows = [json.loads(line) for line in (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()]
    assert [(row["attempt"], row["reason"]) for row in rows] == [(0, "static"), (1, "static")]
    assert rows[0]["seed"] != rows[1]["seed"]
    assert simmotion("verify", tmp_path / "out", environment=prefect.environment).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--per-category", "0"), "per_category"),
        (("--categories", "veiw"), "did you mean 'view'?"),
        (("--size", "500"), "not a positive multiple of 16"),
        (("--recipe", "dmeo"), "did you mean 'demo'?"),
        (("--runner", "forks"), "runner"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_code_2(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    run = simmotion("build", "--out", tmp_path / "out", *arguments, environment=os.environ)
    assert run.returncode == 2
    assert words in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_an_output_path_that_is_a_file_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    run = simmotion("build", "--out", tmp_path / "out", environment=os.environ)
    assert (run.returncode, len(run.stderr.strip().splitlines())) == (2, 1)
    assert "is a file" in run.stderr
    assert (tmp_path / "out").read_text() == "mine"


def test_a_dry_run_tells_the_work_and_makes_nothing(tmp_path: Path) -> None:
    run = simmotion(
        "build", "--recipe", "rendered", "--out", tmp_path / "out", "--dry-run", environment=os.environ
    )
    assert run.returncode == 0, run.stderr
    assert "750" in run.stdout
    assert "view_0000" in run.stdout
    assert not (tmp_path / "out").exists()


def test_an_export_has_the_published_layout(prefect: Prefect, undisturbed: Path, tmp_path: Path) -> None:
    to = tmp_path / "folders"
    run = simmotion("export", undisturbed, "--to", to, "--layout", "folders", environment=prefect.environment)
    assert run.returncode == 0, run.stderr
    triplets = list(read_folders(to))
    assert len(triplets) == manifest.read(undisturbed / "manifest.json").counts.accepted
    assert {path.name for path in triplets[0].clips.values()} == {"ref.mp4", "positive.mp4", "negative.mp4"}
    assert simmotion("export", undisturbed, "--to", to, environment=prefect.environment).returncode == 2


def test_verify_names_a_changed_clip(prefect: Prefect, tmp_path: Path) -> None:
    out = tmp_path / "out"
    small = ("build", "--out", out, *TINY, "--categories", "view")
    assert simmotion(*small, environment=prefect.environment).returncode == 0
    blob = next((out / "store" / "blobs").rglob("*.mp4"))
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)
    run = simmotion("verify", out, environment=prefect.environment)
    assert run.returncode == 2
    assert blob.name in run.stderr


def test_help_lists_the_commands() -> None:
    run = simmotion("--help", environment=os.environ)
    assert run.returncode == 0
    assert all(command in run.stdout for command in ("build", "up", "verify", "export"))


def test_without_a_server_a_build_brings_its_own_and_is_quiet(prefect: Prefect, tmp_path: Path) -> None:
    alone = {name: value for name, value in prefect.environment.items() if name != "PREFECT_API_URL"}
    run = simmotion("build", "--out", tmp_path / "out", *TINY, "--categories", "view", environment=alone)
    assert run.returncode == 0, run.stderr
    assert "1 requested = 1 accepted" in run.stdout
    noise = [
        line for line in run.stderr.splitlines() if "Error" in line or "ERROR" in line or "Traceback" in line
    ]
    assert not noise, run.stderr


def test_a_configured_server_that_is_away_is_named(prefect: Prefect, tmp_path: Path) -> None:
    nowhere = {**prefect.environment, "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    run = simmotion("build", "--out", tmp_path / "out", *TINY, environment=nowhere)
    assert run.returncode == 1
    assert "no Prefect server answers at PREFECT_API_URL=http://127.0.0.1:9/api" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


def test_two_builds_into_one_folder_do_not_meet(prefect: Prefect, undisturbed: Path) -> None:
    from flows.recipe import load_recipe
    from flows.workspace import claimed

    recipe = load_recipe("demo").overridden(per_category=1, size_px=96, duration_seconds=2.0, fps=8)
    with claimed(undisturbed, recipe):
        run = simmotion("build", "--out", undisturbed, *TINY, environment=prefect.environment)
    assert run.returncode == 2
    assert f"being written by process {os.getpid()}" in run.stderr


def test_a_full_disk_stops_with_one_line_and_the_run_continues_afterwards(
    prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    # A file size limit stands in for a full disk: the kernel refuses the write in the same way.
    limited = {**prefect.environment, "SIMMOTION_TEST_FILE_SIZE_LIMIT": "20000"}
    run = simmotion("build", "--out", out, *TINY, environment=limited, module="tests.flows.limited_build")
    assert run.returncode == 2, run.stderr
    assert "cannot write" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (out / "manifest.json").exists()
    assert not list((out / "store" / "tmp").iterdir())
    again = simmotion("build", "--out", out, *TINY, environment=prefect.environment)
    assert again.returncode == 0, again.stderr
    assert (out / "manifest.json").read_bytes() == (undisturbed / "manifest.json").read_bytes()


def test_the_store_of_a_build_has_no_blob_that_nobody_names(undisturbed: Path) -> None:
    named = (undisturbed / "store" / "records").rglob("*.json")
    texts = "".join(path.read_text() for path in named)
    blobs = [path.stem for path in (undisturbed / "store" / "blobs").rglob("*") if path.is_file()]
    assert blobs
    assert all(blob in texts for blob in blobs)
    assert Store(undisturbed / "store").sweep() == 0

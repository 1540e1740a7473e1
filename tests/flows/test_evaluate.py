"""``simmotion evaluate`` from outside: what it measures and writes, what it spares, and what it refuses."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.collection import open_collection
from data.vectors import clips_of_part
from tests.flows.commands import simmotion, simmotion_here
from tests.flows.conftest import Prefect
from tests.flows.videos import spoil, write_labelled, write_loose, write_triplets

CATEGORIES = {"static_object", "dynamic_object", "dynamic_attribute", "scene_style", "view"}


def _evaluation(file: Path) -> Any:
    return json.loads(file.read_text())


def _rows(evaluation: Any) -> dict[str, Any]:
    return {row["method"]: row for row in evaluation["rows"]}


def _parts(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (root / "vectors").rglob("*.parquet")}


def _lines(run: subprocess.CompletedProcess[str]) -> list[str]:
    """What was said on the way out, without the bars of progress."""
    return [line for line in run.stderr.splitlines() if line and "━" not in line]


@pytest.fixture(scope="module")
def evaluated(built: Path, dinov2: Path, prefect: Prefect) -> subprocess.CompletedProcess[str]:
    """The build, evaluated as a user does it."""
    run = simmotion(
        *("evaluate", built, "--backbone", "hog", "--backbone", f"dinov2-small={dinov2}"),
        *("--json", built.parent / "copy.json"),
        environment=prefect.environment,
    )
    assert run.returncode == 0, run.stderr
    return run


@pytest.fixture
def evaluation(evaluated: subprocess.CompletedProcess[str], built: Path) -> Any:
    return _evaluation(built.parent / "copy.json")


def test_every_row_is_there_with_intervals(evaluation: Any) -> None:
    assert list(_rows(evaluation)) == [
        "Colour histogram, mean-pooled",
        "HOF (DIS flow), mean-pooled",
        "HOF (DIS flow), SemanticMoments",
        *(
            f"{backbone}, {method}"
            for backbone in ("HOG", "DINOv2-S/14")
            for method in ("mean-pooled", "SemanticMoments", "SemanticMoments + order", "rhythm")
        ),
        "True motion (oracle)",
    ]
    for row in evaluation["rows"]:
        assert set(row["columns"]) == CATEGORIES
        assert row["overall"]["queries"] == len(row["hits"]) == evaluation["num_queries"] == 5
        assert row["overall"]["hits"] == sum(row["hits"])
        for share in (*row["columns"].values(), row["overall"]):
            assert 0 <= share["low"] <= share["value"] <= share["high"] <= 1
            assert share["high"] - share["low"] > 0.4, "five queries say little"
    assert evaluation["num_candidates"] == 14
    assert evaluation["chance"] == pytest.approx(1 / 14)


def test_the_oracle_knows_every_answer(evaluation: Any) -> None:
    assert _rows(evaluation)["True motion (oracle)"]["mean"] == 1


def test_neighbouring_methods_are_compared(evaluation: Any) -> None:
    pairs = {(test["first"], test["second"]) for test in evaluation["comparisons"]}
    assert ("HOG, SemanticMoments", "HOG, mean-pooled") in pairs
    assert ("DINOv2-S/14, SemanticMoments", "HOG, SemanticMoments") in pairs
    assert all(0 <= test["p_value"] <= 1 for test in evaluation["comparisons"])


def test_the_identities_say_which_weights_and_how(evaluation: Any) -> None:
    assert set(evaluation["embedders"]) == {"Colour histogram", "HOF (DIS flow)", "HOG", "DINOv2-S/14"}
    facts = evaluation["embedders"]["DINOv2-S/14"]
    assert facts["weights"].startswith("sha256:")
    assert (facts["num_frames"], facts["precision"]) == (32, "fp32")
    assert facts["preprocessing"]


def test_the_papers_rows_stand_beside_ours(evaluation: Any) -> None:
    assert _rows(evaluation)["DINOv2-S/14, SemanticMoments"]["quoted_name"] == "SM-DINOv2"
    assert evaluation["quoted_rows"]["SM-DINOv2"]["average"] == 86.4


def test_page_json_tables_and_artifact_are_written(
    evaluated: subprocess.CompletedProcess[str], evaluation: Any, built: Path
) -> None:
    folder = built / "evaluation" / "synthetic"
    assert _evaluation(folder / "evaluation.json") == evaluation
    assert "DINOv2-S/14" in (folder / "evaluation.html").read_text()
    assert "True motion (oracle)" in evaluated.stdout
    assert f"Page: {folder / 'evaluation.html'}" in evaluated.stdout
    assert _lines(evaluated) == []


@pytest.mark.usefixtures("evaluated")
def test_the_data_set_beside_the_vectors_is_still_whole(built: Path, prefect: Prefect) -> None:
    said = simmotion_here("verify", built, environment=prefect.environment).stderr
    assert "vectors" not in said
    assert "evaluation" not in said


def test_a_second_time_nothing_is_embedded_and_a_lost_part_alone_is_made_again(
    evaluation: Any, built: Path, prefect: Prefect
) -> None:
    before = _parts(built)
    assert len(before) == 3 + 1
    lost = next(path for path in before if path.parent.name.startswith("hog-"))
    for missing in (None, lost):
        if missing:
            missing.unlink()
        modified = {path: path.stat().st_mtime_ns for path in _parts(built)}
        again = simmotion_here(
            "evaluate", built, "--json", built.parent / "again.json", environment=prefect.environment
        )
        assert again.returncode == 0, again.stderr
        assert _parts(built) == before
        assert all(path.stat().st_mtime_ns == then for path, then in modified.items())
        rows = _rows(_evaluation(built.parent / "again.json"))
        assert rows == {name: row for name, row in _rows(evaluation).items() if name in rows}
        assert len(rows) == 8


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> Path:
    """Another copy of the build, with the vectors that its evaluation left."""
    return Path(shutil.copytree(built, tmp_path / "tiny"))


@pytest.mark.usefixtures("evaluated")
def test_ablations_come_from_one_pass(built: Path, copied: Path, videomae: Path, prefect: Prefect) -> None:
    run = simmotion_here(
        *("evaluate", copied, "--backbone", "hog", "--backbone", f"videomae={videomae}", "--ablation"),
        environment=prefect.environment,
    )
    assert run.returncode == 0, run.stderr
    result = _evaluation(copied / "evaluation" / "synthetic" / "evaluation.json")
    tables = [(table["backbone"], len(table["rows"])) for table in result["ablations"]]
    assert tables == [("HOG", 9), ("HOG", 5), ("VideoMAE-B", 9)]
    assert result["ablations"][0]["held_out"]["queries"] == 5
    already = {path.relative_to(built) for path in _parts(built)}
    made = [path for path in _parts(copied) if path.relative_to(copied) not in already]
    assert sorted(path.parent.name.partition("-")[0] for path in made) == ["hog", "videomae"]
    assert any("One pass over 64 frames" in note for note in result["notes"])


@pytest.mark.usefixtures("evaluated")
def test_backwards_the_plain_moments_fail_and_the_truth_does_not(built: Path, prefect: Prefect) -> None:
    run = simmotion_here("evaluate", built, "--backwards", environment=prefect.environment)
    assert run.returncode == 0, run.stderr
    result = _evaluation(built / "evaluation" / "synthetic-backwards" / "evaluation.json")
    rows = _rows(result)
    assert rows["HOG, SemanticMoments"]["mean"] == rows["HOG, mean-pooled"]["mean"] == 0
    assert rows["True motion (oracle)"]["mean"] == 1
    assert result["num_candidates"] == 14 + 5
    assert all(name.endswith(" backwards") for name in result["distractors"])


def _vector_file(path: Path, built: Path, leave_out: int = 0) -> Path:
    clips = open_collection(built).clips[leave_out:]
    rng = np.random.default_rng(0)
    groups = {clip.triplet_id: rng.normal(size=8) for clip in clips}
    vectors = [(groups[clip.triplet_id] * (-1 if clip.role == "negative" else 1)).tolist() for clip in clips]
    pq.write_table(pa.table({"clip_sha256": [clip.sha256 for clip in clips], "vector": vectors}), path)
    return path


@pytest.mark.usefixtures("evaluated")
def test_vectors_from_elsewhere_are_a_row(built: Path, tmp_path: Path, prefect: Prefect) -> None:
    file = _vector_file(tmp_path / "I3D.parquet", built)
    run = simmotion_here(
        *("evaluate", built, "--vectors", file, "--to", tmp_path / "to"), environment=prefect.environment
    )
    assert run.returncode == 0, run.stderr
    row = _rows(_evaluation(tmp_path / "to" / "evaluation.json"))["I3D (brought)"]
    assert (row["kind"], row["mean"], row["quoted_name"]) == ("brought", 1, "I3D")


def test_vectors_that_do_not_fit_are_refused_before_anything_is_embedded(
    built: Path, tmp_path: Path, prefect: Prefect
) -> None:
    lacking = _vector_file(tmp_path / "lacking.parquet", built, leave_out=1)
    uneven = tmp_path / "uneven.parquet"
    names = [clip.sha256 for clip in open_collection(built).clips]
    pq.write_table(
        pa.table({"clip_sha256": names, "vector": [[1.0] * (3 + (index == 4)) for index in range(15)]}),
        uneven,
    )
    before = _parts(built)
    for file, words in ((lacking, "lacks the vectors of 1 of 15 clips"), (uneven, names[4])):
        run = simmotion_here("evaluate", built, "--vectors", file, environment=prefect.environment)
        assert run.returncode == 2
        assert words in _lines(run)[-1]
        assert file.name in _lines(run)[-1]
    assert _parts(built) == before


def test_labels_are_classified_with_a_split_and_without(tmp_path: Path, prefect: Prefect) -> None:
    labels = ["left", "right", "up"]
    rows = [(label, split) for split in ("gallery", "gallery", "gallery", "query") for label in labels]
    for name, split, queries, candidates in (("split", True, 3, 9), ("whole", False, 12, 11)):
        root = write_labelled(tmp_path / name, [(label, own if split else "") for label, own in rows])
        run = simmotion_here(
            *("evaluate", root, "--protocol", "knn", "--k", "3", "--knn-index", "faiss"),
            *("--to", tmp_path / "to" / name),
            environment=prefect.environment,
        )
        assert run.returncode == 0, run.stderr
        result = _evaluation(tmp_path / "to" / name / "evaluation.json")
        assert (result["protocol"], result["num_queries"]) == ("knn", queries)
        assert result["num_candidates"] == candidates
        colour = _rows(result)["Colour histogram, mean-pooled"]
        assert {column: share["value"] for column, share in colour["columns"].items()} == {
            "majority": 1,
            "weighted": 1,
            "top5": 1,
        }
        assert "True motion (oracle)" not in _rows(result)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--k", "5"), "k is 5 for a gallery of 5 candidates"),
        (("--k", "2", "--ablation"), "--ablation"),
        (("--k", "2", "--candidates", "3"), "--candidates"),
    ],
)
def test_what_knn_cannot_do_is_told_before_anything_is_embedded(
    options: tuple[str, ...], words: str, tmp_path: Path, prefect: Prefect
) -> None:
    root = write_labelled(tmp_path / "clips", [("left", ""), ("right", "")] * 3)
    to = tmp_path / "to"
    run = simmotion_here("evaluate", root, *options, "--to", to, environment=prefect.environment)
    assert run.returncode == 2
    (line,) = _lines(run)
    assert words in line
    assert not to.exists()


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SimMotion-Real as it is published: one category, of four triplets."""
    return write_triplets(tmp_path_factory.mktemp("real") / "clips", {"examples": 4})


def test_published_examples_are_asked_as_simmotion_real(
    examples: Path, tmp_path: Path, prefect: Prefect
) -> None:
    loose = write_loose(tmp_path / "loose", 5)
    shutil.copy(examples / "examples" / "clip_0" / "negative.mp4", loose / "twin of a negative.mp4")
    asked = {
        (): (11, []),
        ("--distractors", loose): (
            17,
            [f"{index:02}.mp4" for index in range(5)] + ["twin of a negative.mp4"],
        ),
        ("--distractors", loose, "--candidates", "13"): (13, ["00.mp4", "01.mp4"]),
    }
    for options, (candidates, distractors) in asked.items():
        run = simmotion_here(
            "evaluate", examples, *options, "--to", tmp_path / "to", environment=prefect.environment
        )
        assert run.returncode == 0, run.stderr
        result = _evaluation(tmp_path / "to" / "evaluation.json")
        assert (result["protocol"], result["num_candidates"]) == ("real", candidates)
        assert result["distractors"] == distractors
        assert _rows(result)["Colour histogram, mean-pooled"]["mean"] == 1
        assert set(result["quoted_rows"]["SM-DINOv2"]) == {"average"}


def test_too_few_distractors_are_told_before_anything_is_embedded(
    examples: Path, tmp_path: Path, prefect: Prefect
) -> None:
    loose = write_loose(tmp_path / "loose", 2)
    run = simmotion_here(
        *("evaluate", examples, "--distractors", loose, "--candidates", "1000", "--to", tmp_path / "to"),
        environment=prefect.environment,
    )
    assert run.returncode == 2
    (line,) = _lines(run)
    assert "1000 candidates need 989 distractors beside 11 benchmark clips, and 2 are given" in line
    assert not (tmp_path / "to").exists()


def test_a_clip_that_does_not_decode_is_named_and_the_others_are_kept(
    tmp_path: Path, prefect: Prefect
) -> None:
    root = write_triplets(tmp_path / "clips", {"view": 2, "style": 2})
    kept = spoil(root / "style" / "clip_1" / "positive.mp4")
    command = ("evaluate", root, "--to", tmp_path / "to")
    run = simmotion_here(*command, environment=prefect.environment)
    assert run.returncode == 2
    first, second = _lines(run)
    assert "1 of 12 clips could not be embedded" in first
    assert "style/clip_1/positive" in second
    (part,) = _parts(tmp_path / "to")
    assert len(clips_of_part(part)) == 11
    kept.replace(root / "style" / "clip_1" / "positive.mp4")
    assert simmotion_here(*command, environment=prefect.environment).returncode == 0


def test_a_clip_with_a_twin_is_told_before_anything_is_embedded(tmp_path: Path, prefect: Prefect) -> None:
    root = write_triplets(tmp_path / "clips", {"view": 2})
    shutil.copy(root / "view" / "clip_0" / "positive.mp4", root / "view" / "clip_1" / "negative.mp4")
    run = simmotion_here("evaluate", root, "--to", tmp_path / "to", environment=prefect.environment)
    assert run.returncode == 2
    (line,) = _lines(run)
    assert "view/clip_0/positive" in line
    assert "view/clip_1/negative" in line
    assert not (tmp_path / "to").exists()


def test_an_unknown_backbone_is_one_line_with_its_nearest_name(
    examples: Path, tmp_path: Path, prefect: Prefect
) -> None:
    run = simmotion(
        *("evaluate", examples, "--backbone", "hog", "--backbone", "dinov2-bsae", "--to", tmp_path / "to"),
        environment=prefect.environment,
    )
    assert run.returncode == 2
    (line,) = _lines(run)
    assert line.startswith("error: dinov2-bsae")
    assert "did you mean dinov2-base?" in line
    assert not (tmp_path / "to").exists(), "nothing was embedded before"


def test_weights_that_are_not_to_be_had_name_the_id_and_the_ways_out(
    examples: Path, tmp_path: Path, prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    run = simmotion_here(
        *("evaluate", examples, "--backbone", "dinov2-base", "--to", tmp_path / "to"),
        environment=prefect.environment,
    )
    assert run.returncode == 2
    said = " ".join(_lines(run))
    assert "facebook/dinov2-base" in said
    assert str(tmp_path / "hub") in said
    assert "folder" in said
    assert "Traceback" not in said
    assert not (tmp_path / "to").exists()


def test_two_checkpoints_of_one_backbone_are_told_apart(
    examples: Path, dinov2: Path, tmp_path: Path, prefect: Prefect
) -> None:
    other = Path(shutil.copytree(dinov2, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-3}))
    named = [f"dinov2-small={folder}" for folder in (dinov2, dinov2, other)]
    run = simmotion_here(
        *("evaluate", examples, "--to", tmp_path / "to", "--num-frames", "2"),
        *(part for name in named for part in ("--backbone", name)),
        environment=prefect.environment,
    )
    assert run.returncode == 0, run.stderr
    result = _evaluation(tmp_path / "to" / "evaluation.json")
    assert list(result["embedders"])[2:] == ["DINOv2-S/14", f"DINOv2-S/14 ({other})"]
    assert len(_rows(result)) == len(result["rows"])


def test_what_a_kill_leaves_is_not_embedded_again(examples: Path, tmp_path: Path, prefect: Prefect) -> None:
    to = tmp_path / "to"
    command = ("evaluate", str(examples), "--to", str(to))
    died = subprocess.run(
        [sys.executable, "-m", "tests.flows.killed_evaluation", "8", *command],
        env=prefect.environment,
        capture_output=True,
        timeout=240,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    before = _parts(to)
    assert len(before) == 7, "a part for every clip that was kept"
    run = simmotion_here(*command, environment=prefect.environment)
    assert run.returncode == 0, run.stderr
    after = _parts(to)
    assert before.items() <= after.items()
    held = Counter((path.parent, sha256) for path in after for sha256 in clips_of_part(path))
    assert set(held.values()) == {1}, "a clip was embedded twice"
    assert len(held) == 3 * 12

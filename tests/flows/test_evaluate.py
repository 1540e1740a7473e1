"""``simmotion evaluate`` from outside: what it measures and writes, what it spares, and what it refuses."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.collection import open_collection
from tests.flows.commands import simmotion, simmotion_here
from tests.flows.conftest import Prefect
from tests.flows.evaluated import evaluation_of, lines_of, parts_of, rows_of

CATEGORIES = {"static_object", "dynamic_object", "dynamic_attribute", "scene_style", "view"}


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
    return evaluation_of(built.parent / "copy.json")


def test_every_row_is_there_with_intervals(evaluation: Any) -> None:
    assert list(rows_of(evaluation)) == [
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
    assert rows_of(evaluation)["True motion (oracle)"]["mean"] == 1


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
    assert rows_of(evaluation)["DINOv2-S/14, SemanticMoments"]["quoted_name"] == "SM-DINOv2"
    assert evaluation["quoted_rows"]["SM-DINOv2"]["average"] == 86.4


def test_page_json_tables_and_artifact_are_written(
    evaluated: subprocess.CompletedProcess[str], evaluation: Any, built: Path
) -> None:
    folder = built / "evaluation" / "synthetic"
    assert evaluation_of(folder / "evaluation.json") == evaluation
    assert "DINOv2-S/14" in (folder / "evaluation.html").read_text()
    assert "True motion (oracle)" in evaluated.stdout
    assert f"Page: {folder / 'evaluation.html'}" in evaluated.stdout
    assert lines_of(evaluated) == []


@pytest.mark.usefixtures("evaluated")
def test_the_data_set_beside_the_vectors_is_still_whole(built: Path, prefect: Prefect) -> None:
    said = simmotion_here("verify", built, environment=prefect.environment).stderr
    assert "vectors" not in said
    assert "evaluation" not in said


def test_a_second_time_nothing_is_embedded_and_a_lost_part_alone_is_made_again(
    evaluation: Any, built: Path, prefect: Prefect
) -> None:
    before = parts_of(built)
    assert len(before) == 3 + 1
    lost = next(path for path in before if path.parent.name.startswith("hog-"))
    for missing in (None, lost):
        if missing:
            missing.unlink()
        modified = {path: path.stat().st_mtime_ns for path in parts_of(built)}
        again = simmotion_here(
            "evaluate", built, "--json", built.parent / "again.json", environment=prefect.environment
        )
        assert again.returncode == 0, again.stderr
        assert parts_of(built) == before
        assert all(path.stat().st_mtime_ns == then for path, then in modified.items())
        rows = rows_of(evaluation_of(built.parent / "again.json"))
        assert rows == {name: row for name, row in rows_of(evaluation).items() if name in rows}
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
    result = evaluation_of(copied / "evaluation" / "synthetic" / "evaluation.json")
    tables = [(table["backbone"], len(table["rows"])) for table in result["ablations"]]
    assert tables == [("HOG", 9), ("HOG", 5), ("VideoMAE-B", 9)]
    assert result["ablations"][0]["held_out"]["queries"] == 5
    already = {path.relative_to(built) for path in parts_of(built)}
    made = [path for path in parts_of(copied) if path.relative_to(copied) not in already]
    assert sorted(path.parent.name.partition("-")[0] for path in made) == ["hog", "videomae"]
    assert any("One pass over 64 frames" in note for note in result["notes"])


@pytest.mark.usefixtures("evaluated")
def test_backwards_the_plain_moments_fail_and_the_truth_does_not(built: Path, prefect: Prefect) -> None:
    run = simmotion_here("evaluate", built, "--backwards", environment=prefect.environment)
    assert run.returncode == 0, run.stderr
    result = evaluation_of(built / "evaluation" / "synthetic-backwards" / "evaluation.json")
    rows = rows_of(result)
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
    row = rows_of(evaluation_of(tmp_path / "to" / "evaluation.json"))["I3D (brought)"]
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
    before = parts_of(built)
    for file, words in ((lacking, "lacks the vectors of 1 of 15 clips"), (uneven, names[4])):
        run = simmotion_here("evaluate", built, "--vectors", file, environment=prefect.environment)
        assert run.returncode == 2
        assert words in lines_of(run)[-1]
        assert file.name in lines_of(run)[-1]
    assert parts_of(built) == before

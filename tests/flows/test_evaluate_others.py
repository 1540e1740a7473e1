"""``simmotion evaluate`` on labels and published folders, and what it refuses before anything is embedded."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from data.vectors import clips_of_part
from tests.flows.commands import simmotion, simmotion_here
from tests.flows.conftest import Prefect
from tests.flows.evaluated import evaluation_of, lines_of, parts_of, rows_of
from tests.flows.videos import spoil, write_labelled, write_loose, write_triplets

CATEGORIES = {"static_object", "dynamic_object", "dynamic_attribute", "scene_style", "view"}


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
        result = evaluation_of(tmp_path / "to" / name / "evaluation.json")
        assert (result["protocol"], result["num_queries"]) == ("knn", queries)
        assert result["num_candidates"] == candidates
        colour = rows_of(result)["Colour histogram, mean-pooled"]
        assert {column: share["value"] for column, share in colour["columns"].items()} == {
            "majority": 1,
            "weighted": 1,
            "top5": 1,
        }
        assert "True motion (oracle)" not in rows_of(result)


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
    (line,) = lines_of(run)
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
        result = evaluation_of(tmp_path / "to" / "evaluation.json")
        assert (result["protocol"], result["num_candidates"]) == ("real", candidates)
        assert result["distractors"] == distractors
        assert rows_of(result)["Colour histogram, mean-pooled"]["mean"] == 1
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
    (line,) = lines_of(run)
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
    first, second = lines_of(run)
    assert "1 of 12 clips could not be embedded" in first
    assert "style/clip_1/positive" in second
    (part,) = parts_of(tmp_path / "to")
    assert len(clips_of_part(part)) == 11
    kept.replace(root / "style" / "clip_1" / "positive.mp4")
    assert simmotion_here(*command, environment=prefect.environment).returncode == 0


def test_a_clip_with_a_twin_is_told_before_anything_is_embedded(tmp_path: Path, prefect: Prefect) -> None:
    root = write_triplets(tmp_path / "clips", {"view": 2})
    shutil.copy(root / "view" / "clip_0" / "positive.mp4", root / "view" / "clip_1" / "negative.mp4")
    run = simmotion_here("evaluate", root, "--to", tmp_path / "to", environment=prefect.environment)
    assert run.returncode == 2
    (line,) = lines_of(run)
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
    (line,) = lines_of(run)
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
    said = " ".join(lines_of(run))
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
    result = evaluation_of(tmp_path / "to" / "evaluation.json")
    assert list(result["embedders"])[2:] == ["DINOv2-S/14", f"DINOv2-S/14 ({other})"]
    assert len(rows_of(result)) == len(result["rows"])


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
    before = parts_of(to)
    assert len(before) == 7, "a part for every clip that was kept"
    run = simmotion_here(*command, environment=prefect.environment)
    assert run.returncode == 0, run.stderr
    after = parts_of(to)
    assert before.items() <= after.items()
    held = Counter((path.parent, sha256) for path in after for sha256 in clips_of_part(path))
    assert set(held.values()) == {1}, "a clip was embedded twice"
    assert len(held) == 3 * 12

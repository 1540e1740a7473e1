"""``simmotion score`` from outside: a row for each clip, and the numbers that its own frames give."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from data.collection import load, open_collection
from data.schema import FloatArray
from data.scores import ClipScore, read_scores
from data.shards import read_rows
from moments.hog import hog
from moments.order import ORDER_WEIGHT, OrderStream
from moments.progress import semantic_progress
from moments.rhythm import rhythm
from tests.flows.commands import simmotion, simmotion_here
from tests.flows.conftest import Prefect
from tests.flows.videos import write_labelled, write_triplets, write_video


@pytest.fixture(scope="module")
def scored(built: Path, dinov2: Path, prefect: Prefect) -> dict[str, Path]:
    """The build, scored as a user does it: the files by embedder."""
    run = simmotion(
        *("score", built, "--backbone", "hog", "--backbone", f"dinov2-small={dinov2}"),
        environment=prefect.environment,
    )
    assert run.returncode == 0, run.stderr
    files = {path.name.rpartition("-")[0]: path for path in (built / "scores").iterdir()}
    assert run.stdout.splitlines() == [f"{files[name]}: 15 clips" for name in ("hog", "dinov2-small")]
    return files


@pytest.fixture(scope="module")
def features(built: Path) -> dict[str, FloatArray]:
    """HOG of every frame of every clip, (T, P, D) in float64 by clip id."""
    clips = open_collection(built)
    found = {}
    for clip, content in clips.contents([clip.sha256 for clip in clips.clips]):
        frames = load(clip, content, range).frames
        found[clip.clip_id] = hog(frames).numpy().astype(np.float64)
    return found


def _semantic_moments(features: FloatArray) -> FloatArray:
    """As released: mean, unbiased spread, standardised skewness over time; mean over patches; unit rows."""
    centred = features - features.mean(axis=0)
    spread = features.std(axis=0, ddof=1)
    skewness = (centred**3).mean(axis=0) / (spread**3 + 1e-6)
    rows = [moment.mean(axis=0) for moment in (features.mean(axis=0), spread, skewness)]
    return np.stack([row / np.linalg.norm(row) for row in rows])


def _cosine(first: FloatArray, second: FloatArray) -> float:
    return float((first * second).sum() / np.linalg.norm(first) / np.linalg.norm(second))


def _rows(file: Path) -> list[ClipScore]:
    return read_scores(file)[0]


def test_there_is_a_row_for_each_clip_of_the_data_set(scored: dict[str, Path], built: Path) -> None:
    wanted = [
        (clip.clip_id, clip.sha256, clip.triplet_id, clip.category, clip.role)
        for clip in open_collection(built).clips
    ]
    assert set(scored) == {"hog", "dinov2-small"}
    for file in scored.values():
        rows = _rows(file)
        assert [(r.clip_id, r.clip_sha256, r.triplet_id, r.category, r.role) for r in rows] == wanted
        assert {row.label for row in rows} == {None}


def test_the_file_says_what_made_it(scored: dict[str, Path]) -> None:
    facts = json.loads(read_scores(scored["dinov2-small"])[1])
    assert facts["weights"].startswith("sha256:")
    assert facts["num_frames"] == 32


def test_the_pace_is_that_of_the_decoded_frames(
    scored: dict[str, Path], features: dict[str, FloatArray]
) -> None:
    for row in _rows(scored["hog"]):
        wanted = semantic_progress(features[row.clip_id].mean(axis=1))
        np.testing.assert_allclose(row.spf, wanted.progress, atol=1e-4)
        assert row.spf_range_radians == pytest.approx(wanted.range_radians, rel=1e-4)
        assert row.spf_rms_deviation == pytest.approx(wanted.rms_deviation, abs=1e-4)
        assert row.spf_max_deviation == pytest.approx(wanted.max_deviation, abs=1e-4)
        assert row.spf_largest_jump == pytest.approx(wanted.largest_jump, abs=1e-4)
        assert row.spf_interpretable == wanted.interpretable


def test_likeness_to_the_reference_is_that_of_the_formulas(
    scored: dict[str, Path], features: dict[str, FloatArray]
) -> None:
    for row in _rows(scored["hog"]):
        both = [features[row.clip_id], features[f"{row.triplet_id}/reference"]]
        own, reference = map(_semantic_moments, both)
        weights = np.array([[1], [8], [4]])
        assert row.mean_to_reference == pytest.approx(_cosine(own[0], reference[0]), abs=1e-5)
        assert row.sm_to_reference == pytest.approx(_cosine(weights * own, weights * reference), abs=1e-5)
        first, second = (rhythm(clip).numpy() for clip in both)
        assert row.rhythm_to_reference == pytest.approx(_cosine(first, second), abs=1e-5)
        joined = [np.concatenate([weights * _semantic_moments(clip), _order(clip)]) for clip in both]
        assert row.order_to_reference == pytest.approx(_cosine(*joined), abs=1e-5)


def _order(features: FloatArray) -> FloatArray:
    stream = OrderStream()
    stream.update(torch.from_numpy(features)[None])
    return ORDER_WEIGHT * stream.finish()[0].numpy()


def test_a_reference_is_like_itself(scored: dict[str, Path]) -> None:
    for file in scored.values():
        own = [row for row in _rows(file) if row.role == "reference"]
        assert len(own) == 5
        for row in own:
            cosines = (row.mean_to_reference, row.sm_to_reference, row.order_to_reference)
            assert (*cosines, row.rhythm_to_reference) == pytest.approx((1, 1, 1, 1))


def test_scores_join_the_shards_by_the_hash_of_a_clip(scored: dict[str, Path], built: Path) -> None:
    scores = {row["clip_sha256"]: row for row in pq.read_table(scored["hog"]).to_pylist()}
    shards = list(read_rows(sorted((built / "data").glob("*.parquet"))))
    for row in shards:
        for role in ("reference", "positive", "negative"):
            assert scores[row[f"{role}_sha256"]]["triplet_id"] == row["triplet_id"]
            assert scores[row[f"{role}_sha256"]]["role"] == role
    assert len(scores) == 3 * len(shards)


def test_a_second_time_nothing_is_embedded_and_the_file_is_the_same(
    scored: dict[str, Path], built: Path, prefect: Prefect
) -> None:
    parts = {path: path.stat().st_mtime_ns for path in (built / "vectors").rglob("*.parquet")}
    before = scored["hog"].read_bytes()
    again = simmotion_here("score", built, environment=prefect.environment)
    assert again.returncode == 0, again.stderr
    assert scored["hog"].read_bytes() == before
    assert {path: path.stat().st_mtime_ns for path in (built / "vectors").rglob("*.parquet")} == parts


def _scored_elsewhere(root: Path, to: Path, prefect: Prefect) -> list[ClipScore]:
    run = simmotion_here("score", root, "--to", to, environment=prefect.environment)
    assert run.returncode == 0, run.stderr
    (file,) = (to / "scores").iterdir()
    return _rows(file)


def test_what_labelled_clips_have_not_is_empty(tmp_path: Path, prefect: Prefect) -> None:
    root = write_labelled(tmp_path / "clips", [("left", ""), ("right", "")])
    rows = _scored_elsewhere(root, tmp_path / "to", prefect)
    assert [(row.clip_id, row.label) for row in rows] == [("00.mp4", "left"), ("01.mp4", "right")]
    for row in rows:
        assert (row.triplet_id, row.category, row.role) == (None, None, None)
        cosines = (row.mean_to_reference, row.sm_to_reference, row.order_to_reference)
        assert (*cosines, row.rhythm_to_reference) == (None,) * 4
        assert len(row.spf) == 8


def test_clips_of_other_lengths_have_no_common_rhythm(tmp_path: Path, prefect: Prefect) -> None:
    root = write_triplets(tmp_path / "clips", {"view": 1})
    write_video(root / "view" / "clip_0" / "positive.mp4", level=0, num_frames=11)
    rows = {str(row.role): row for row in _scored_elsewhere(root, tmp_path / "to", prefect)}
    assert rows["positive"].rhythm_to_reference is None
    assert rows["positive"].sm_to_reference is not None
    assert rows["negative"].rhythm_to_reference is not None
    assert len(rows["positive"].spf) == 11

"""What stands after ``--backbone``, and the embedder that it means."""

from pathlib import Path

import pytest

from data.errors import ConfigError
from flows.backbones import BackboneSpec, Options, embedder, parse_backbone
from moments.errors import BackboneError


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("hog", BackboneSpec("hog")),
        ("dinov2-base=you/yours", BackboneSpec("dinov2-base", "you/yours")),
        ("dinov2-base=you/yours@v2", BackboneSpec("dinov2-base", "you/yours", "v2")),
        ("dinov2-base=./nowhere", BackboneSpec("dinov2-base", "./nowhere")),
    ],
)
def test_a_text_is_taken_apart(text: str, spec: BackboneSpec) -> None:
    assert parse_backbone(text) == spec
    assert spec.weights == text.partition("=")[2]


def test_a_folder_may_have_a_sign_that_elsewhere_begins_a_revision(tmp_path: Path) -> None:
    folder = tmp_path / "run@3"
    folder.mkdir()
    assert parse_backbone(f"dinov2-base={folder}") == BackboneSpec("dinov2-base", str(folder))


@pytest.mark.parametrize("text", ["", "=folder", "dinov2-base="])
def test_a_text_without_a_part_says_what_was_expected(text: str) -> None:
    with pytest.raises(ConfigError, match=r"expected NAME, NAME=FOLDER, NAME=HUB/ID"):
        parse_backbone(text)


def test_options_reach_the_embedder(dinov2: Path) -> None:
    spec = BackboneSpec("dinov2-small", str(dinov2))
    plain, other = (embedder(spec, options).facts for options in (Options(), Options(7, "native", "bf16")))
    assert (plain.num_frames, plain.precision) == (32, "fp32")
    assert (other.num_frames, other.precision) == (7, "bf16")
    assert other.preprocessing != plain.preprocessing
    assert other.weights == plain.weights
    assert plain.weights.startswith("sha256:")


def test_an_unknown_name_is_told_with_its_nearest() -> None:
    with pytest.raises(BackboneError, match="did you mean dinov2-base"):
        embedder(BackboneSpec("dinov2-bsae"), Options())


def test_only_an_accelerator_frees_the_processor() -> None:
    assert Options(device="cuda:1").on_gpu
    assert not Options().on_gpu

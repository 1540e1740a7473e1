"""Recipes for real clips: what they refuse and in which words, and what decides their fingerprint."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import ConfigError
from flows.real_recipe import RealRecipe, load_real_recipe, real_recipe_names


def test_the_bundled_recipes_load() -> None:
    assert "footage" in real_recipe_names()
    for name in real_recipe_names():
        assert load_real_recipe(name).name == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\nexclusion: {min_gold_tao: 1}", "did you mean 'min_gold_tau'"),
        ("name: x\nexclusion: {min_gold_tau: 4}", "min_gold_tau is 4"),
        ("name: x\nfootage: {kind: foldr}", "did you mean 'folder'"),
        ("name: x\nfootage: {kind: folder, pth: a}", "did you mean 'path'"),
        ("name: x\ndecision: {level: 2}", "expected a share"),
        ("name: x\nformat: {size_px: 100}", "use 96 or 112"),
        ("name: x\nformat: {width: 100}", "takes size_px, duration_seconds and fps"),
        ("name: x\nfotage: {}", "did you mean 'footage'"),
        ("name: x\ncandidates: 1", "greater than or equal to 2"),
        ("- a list", "must be a mapping"),
        ("name: [", "not valid YAML"),
    ],
)
def test_what_is_wrong_is_named_with_the_nearest_right_word(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as refused:
        load_real_recipe(str(path))
    assert str(path) in str(refused.value)


def test_who_is_asked_and_where_the_footage_lies_make_no_other_set(tmp_path: Path) -> None:
    recipe = RealRecipe(name="x")
    (tmp_path / "footage").mkdir()
    moved = recipe.overridden(footage=str(tmp_path / "footage"), annotators="others.txt", workers=9)
    assert moved.fingerprint == recipe.fingerprint
    assert moved.footage.kind == "folder"
    assert str(tmp_path) not in str(moved.content)
    other = recipe.overridden(footage=str(tmp_path / "videos.csv"), annotators=None, workers=None)
    assert other.footage.kind == "manifest"
    assert other.fingerprint != recipe.fingerprint

"""Recipes: what is refused, how it is said, and what enters the fingerprint."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigError
from data.schema import Category, ClipFormat
from flows.recipe import Recipe, load_recipe, recipe_names


@pytest.mark.parametrize("name", ["demo", "local", "paper", "rendered"])
def test_bundled_recipes_load_by_name(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.clip_format == ClipFormat(512, 5.0, 16)
    assert recipe.clip_format.num_frames == 80


@pytest.mark.parametrize("name", ["local", "paper", "rendered"])
def test_recipes_of_the_published_benchmark_have_its_size(name: str) -> None:
    recipe = load_recipe(name)
    assert (recipe.requested, set(recipe.categories)) == (250, set(Category))


def test_an_unknown_name_is_told_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"no recipe 'dmeo'.*did you mean 'demo'\?"):
        load_recipe("dmeo")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "is not valid YAML"),
        ("- demo", "must be a mapping such as 'name: demo', got list"),
        ("", "must be a mapping such as 'name: demo', got NoneType"),
        ("name: x\nper_categry: 3", "unknown key 'per_categry'; did you mean 'per_category'?"),
        ("name: x\nformat: {size_pix: 64}", "unknown key 'format.size_pix'; did you mean 'size_px'?"),
        ("name: x\nvideo: {kind: procedual}", "video.kind"),
        ("name: x\nthresholds: {min_synchronny: 0.3}", "did you mean 'min_synchrony'?"),
        ("seed: 3", "'name' is missing"),
        ("name: x\nseed: -1", "seed: Input should be greater than or equal to 0 (got -1)"),
        ("name: x\ncategories: [veiw]", "'veiw' is no category; did you mean 'view'?"),
        ("name: x\ncategories: [view, view]", "names a category twice"),
        ("name: x\ncategories: []", "at least one category"),
    ],
)
def test_a_bad_file_is_refused_in_one_line_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_recipe(str(path))
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.yaml"
    path.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(ConfigError, match="cannot be read as text"):
        load_recipe(str(path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"per_category": 0}, "per_category"),
        ({"size_px": 500}, "500 px is not a positive multiple of 16.*use 496 or 512"),
        ({"size_px": 0}, "not a positive multiple of 16"),
        ({"fps": 0}, "format.fps"),
        ({"duration_seconds": 0.1}, "a motion needs at least 8"),
        ({"workers": 0}, "workers"),
        ({"runner": "forks"}, "runner"),
    ],
)
def test_impossible_options_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe("demo").overridden(**change)


def test_options_reach_the_format() -> None:
    recipe = load_recipe("demo").overridden(size_px=64, duration_seconds=1.0, fps=8)
    assert recipe.clip_format == ClipFormat(64, 1.0, 8)


def test_speed_settings_do_not_change_the_fingerprint_and_content_does() -> None:
    recipe = load_recipe("demo")
    assert recipe.overridden(workers=7).fingerprint == recipe.fingerprint
    assert recipe.overridden(seed=8).fingerprint != recipe.fingerprint
    assert recipe.overridden(categories=["view"]).fingerprint != recipe.fingerprint


@given(st.integers(1, 500), st.integers(0, 2**63 - 1), st.sets(st.sampled_from(list(Category)), min_size=1))
def test_a_recipe_survives_the_trip_through_its_content(
    per_category: int, seed: int, categories: set[Category]
) -> None:
    recipe = Recipe(name="trip", per_category=per_category, seed=seed, categories=tuple(sorted(categories)))
    again = Recipe.model_validate(recipe.content)
    assert again.fingerprint == recipe.fingerprint
    assert again.requested == per_category * len(categories)


def test_every_bundled_recipe_is_listed() -> None:
    assert recipe_names() == ("demo", "local", "paper", "rendered")

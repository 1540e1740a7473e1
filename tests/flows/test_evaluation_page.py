"""The page of an evaluation: one file that says everything, escapes everything, and loads nothing."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.by import By

from data.errors import ConfigError
from flows.evaluation import Evaluation, SimilarityMap
from flows.evaluation_page import MAP_HEIGHTS, confusion_cards, map_picture, write_page
from flows.report_plots import UNKNOWN_RGB
from tests.flows.browser import Browser
from tests.flows.evaluation_samples import (
    BACKBONE,
    HOSTILE,
    LONG,
    knn,
    method,
    posters,
    similarity_map,
    synthetic,
)


class Outline(HTMLParser):
    """Start tags with their attributes, and the text outside of styles on one line."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self._in_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        self.pieces += [] if self._in_style else [data]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).split())

    def all(self, tag: str, of_class: str = "") -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and (not of_class or of_class in (attributes.get("class") or "").split())
        ]


def page(
    folder: Path, evaluation: Evaluation, pictures: Mapping[str, Sequence[bytes]] | None = None
) -> Outline:
    path = folder / "shown" / "evaluation.html"
    write_page(evaluation, path, posters(evaluation) if pictures is None else pictures)
    return Outline(path.read_text(encoding="utf-8"))


def test_page_tells_protocol_results_tests_and_ablations(tmp_path: Path) -> None:
    text = page(tmp_path, synthetic()).text
    assert "SimMotion-Synthetic protocol: 244 queries, 731 candidates each" in text
    assert "SemanticMoments 94 % 84–98 · 47/50 96 % 87–99 · 48/50" in text
    assert "87.2 % 87.3 % 83–91 · 213/244" in text
    assert "SM-DINOv2 quoted 96 % 98 % 78 % 82 % 78 % 86.4 %" in text
    assert f"{BACKBONE}, SemanticMoments {BACKBONE}, mean-pooled 110 5 p < 0.001" in text
    assert "(1, 8, 4) patch concat 87.3 % 87.3 % 83–91 · 213/244 42.5 %" in text
    assert "weights held out 85.7 % 81–90 · 209/244" in text
    assert "(1, 8, 4) in 3 of 5 folds" in text
    assert "Decoded at 518 px." in text
    assert "revision f9e44c8" in text
    assert "weights [1, 8, 4]" in text


def test_bars_lie_where_the_numbers_say(tmp_path: Path) -> None:
    row = method("m", "mean", (25, 50, 0, 30, 44), "B")
    bars = page(tmp_path, synthetic(rows=(row,), ablations=(), quoted_rows={})).all("i", "range")
    drawn = [[float(each) for each in re.findall(r"--\w+:([^;]+)", str(bar["style"]))] for bar in bars]
    shares = [*row.columns.values(), row.overall]
    assert drawn == [pytest.approx([each.low, each.high, each.value], abs=1e-4) for each in shares]


def test_every_confusion_shows_three_strips_in_order_of_time(tmp_path: Path) -> None:
    evaluation = synthetic()
    pictures = posters(evaluation)
    outline = page(tmp_path, evaluation, pictures)
    assert len(outline.all("article", "failure")) == 3
    frames = [base64.b64decode(str(image["src"]).split(",")[1]) for image in outline.all("img")]
    expected = [
        frame
        for each in evaluation.confusions
        for clip in (each.query, each.positive, each.winner)
        for frame in pictures[clip]
    ]
    assert frames == expected
    assert (
        "Query scene_style_0003.r Its positive scene_style_0003.p Taken instead view_0001.n" in outline.text
    )


def test_clip_without_pictures_is_told_by_its_id(tmp_path: Path) -> None:
    outline = page(tmp_path, synthetic(), pictures={})
    assert not outline.all("img")
    assert outline.text.count("no pictures of this clip") == 9
    assert "scene_style_0003.r" in outline.text


def test_confusions_stand_together_by_method() -> None:
    cards = confusion_cards(synthetic().confusions, {})
    assert {name: len(own) for name, own in cards.items()} == {f"{BACKBONE}, SemanticMoments": 2, LONG: 1}


def test_empty_states_are_said(tmp_path: Path) -> None:
    perfect = method("m", "mean", (50, 50, 50, 50, 44), "B")
    floor = method("HOF", "floor", (1, 1, 1, 1, 1))
    text = page(tmp_path, synthetic(rows=(perfect, floor), confusions=())).text
    assert "No failures: every method above the floors answers every query." in text
    assert "No distractors: all candidates are clips of the data set itself." in text
    assert "No failure was chosen to be shown." in page(tmp_path, synthetic(confusions=())).text


def test_sections_without_content_are_neither_there_nor_linked(tmp_path: Path) -> None:
    outline = page(tmp_path, knn())
    ids = {attributes["id"] for _, attributes in outline.tags if "id" in attributes}
    assert ids == {"results", "failures", "about"}
    for link in outline.all("a"):
        assert str(link["href"]).removeprefix("#") in ids


def test_distractors_are_listed(tmp_path: Path) -> None:
    text = page(tmp_path, synthetic(distractors=("far away", HOSTILE))).text
    assert "731 candidates each, 2 distractors among them" in text
    assert "2 distractors among the candidates far away" in text


def test_text_from_outside_is_never_markup(tmp_path: Path) -> None:
    outline = page(tmp_path, synthetic(HOSTILE, root=HOSTILE, distractors=(HOSTILE,)))
    assert not outline.all("script")
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") for image in outline.all("img"))
    assert not any(name.startswith("on") for _, attributes in outline.tags for name in attributes)
    assert outline.text.count("<script>window.hacked = 1</script>") >= 9


def test_page_asks_nothing_of_the_network_or_of_files(tmp_path: Path) -> None:
    outline = page(tmp_path, synthetic())
    for tag, attributes in outline.tags:
        for name in ("src", "href", "poster", "action"):
            assert re.match(r"#|data:|$", attributes.get(name) or ""), (tag, attributes)
    assert "default-src 'none'" in str(outline.all("meta"))
    assert [path.name for path in (tmp_path / "shown").iterdir()] == ["evaluation.html"]


def test_same_evaluation_makes_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "1.html", tmp_path / "2.html"
    for path in (first, second):
        write_page(synthetic(), path, posters(synthetic()))
    assert first.read_bytes() == second.read_bytes()


def test_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "shown").write_text("in the way")
    with pytest.raises(ConfigError, match="choose another output folder"):
        page(tmp_path, knn())


def test_map_is_coloured_entry_by_entry_and_grey_where_nothing_is_known() -> None:
    values = np.array([[0.0, 1.0, np.nan], [1.0, 0.0, 0.5]], dtype=np.float32)
    picture = map_picture(SimilarityMap("m", values, {"a": 0, "b": 1}, {"a": 0, "b": 2}))
    with Image.open(io.BytesIO(base64.b64decode(picture.png_base64))) as png:
        pixels = np.asarray(png.convert("RGB"))
    assert pixels.shape == (2, 3, 3)
    assert tuple(pixels[0, 2]) == UNKNOWN_RGB
    assert (pixels[0, 0] == pixels[1, 1]).all()
    assert (pixels[0, 1] == pixels[1, 0]).all()
    assert pixels[0, 0].sum() < pixels[1, 2].sum() < pixels[0, 1].sum()


def test_map_knows_where_its_categories_lie() -> None:
    picture = map_picture(similarity_map("m", 0, distractors=25))
    assert (picture.num_rows, picture.num_columns) == (12, 61)
    assert [(span.label, span.start, span.stop) for span in picture.rows][-1] == ("scene_style", 10, 12)
    assert [(span.label, span.start, span.stop) for span in picture.columns][-1] == ("", 36, 61)
    assert picture.columns[0].start == 0
    assert all(
        one.stop == other.start for one, other in zip(picture.columns, picture.columns[1:], strict=False)
    )


@pytest.mark.parametrize("shape", [(1, 5000), (244, 732), (50, 20)])
def test_map_is_never_too_flat_nor_too_tall(shape: tuple[int, int]) -> None:
    picture = map_picture(SimilarityMap("m", np.zeros(shape, np.float32), {"a": 0}, {"a": 0}))
    assert MAP_HEIGHTS[0] <= picture.height <= MAP_HEIGHTS[1]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Browser:
    evaluation = synthetic(HOSTILE, distractors=(LONG,))
    path = tmp_path / "evaluation.html"
    write_page(evaluation, path, posters(evaluation))
    browser.get("about:blank")
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    browser.get(path.as_uri())
    return browser


@pytest.mark.browser
def test_browser_shows_pictures_and_text_without_a_word_in_the_console(opened: Browser) -> None:
    widths = opened.execute_script("return [...document.images].map((image) => image.naturalWidth)")
    assert widths == [96] * 36
    assert opened.find_element(By.TAG_NAME, "h1").text == HOSTILE
    assert opened.execute_script("return window.hacked") is None
    assert opened.get_log("browser") == []  # type: ignore[no-untyped-call]


@pytest.mark.browser
def test_policy_refuses_any_script(opened: Browser) -> None:
    opened.execute_script(
        "const script = document.createElement('script'); script.textContent = 'window.hacked = 1';"
        "document.body.append(script)"
    )
    assert opened.execute_script("return window.hacked") is None


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", [360, 800, 1280])
def test_page_never_scrolls_sideways_and_ink_stands_out(opened: Browser, width_px: int, scheme: str) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width_px, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    opened.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    try:
        opened.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert opened.execute_script(overflow) == 0
        background, ink = opened.execute_script(
            "const style = getComputedStyle(document.body);"
            "return [style.backgroundColor, style.color].map((each) => Number(each.match(/\\d+/)[0]))"
        )
        assert abs(background - ink) > 150
        assert (background > ink) is (scheme == "light")
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

"""The report as a file: what it says, what it escapes, what it makes again and what it does not."""

from __future__ import annotations

import base64
import io
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data.errors import ConfigError, ContractError
from data.paid import Usage
from data.schema import MEASURES, Blob, Category, Prompts, Reject, Role, Triplet
from data.video import decode
from flows.calls import Books, PaidCall, read
from flows.money import money
from flows.report import PREVIEW_HEIGHT_PX, ClipLabel, Limit, SimilarityMatrix, write_report
from flows.report_cards import number_text
from flows.report_plots import curve_points, heat_map, spans
from flows.summary import RunSummary
from tests.flows.paid_calls import paid_call
from tests.flows.report_samples import HOSTILE, clip_files, rejects, similarity, summary, triplet

ClipPath = Callable[[Blob], Path]


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory: pytest.TempPathFactory) -> ClipPath:
    return clip_files(tmp_path_factory.mktemp("clips"))


def report(
    out: Path,
    clip_path: ClipPath,
    triplets: list[Triplet],
    *,
    rejected: Sequence[Reject] = (),
    run: RunSummary | None = None,
    limits: Mapping[str, Limit] | None = None,
) -> str:
    page = write_report(
        out,
        summary=run or summary(len(triplets)),
        triplets=triplets,
        rejects=rejected,
        similarity=similarity(triplets),
        limits=limits or {},
        clip_path=clip_path,
    )
    return page.read_text(encoding="utf-8")


class Outline(HTMLParser):
    """Start tags with their attributes, and the text outside of script and style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self._skipping = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._skipping = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._skipping = ""

    def handle_data(self, data: str) -> None:
        self.pieces += [] if self._skipping else [data]

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def all(self, tag: str, of_class: str = "") -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and (not of_class or of_class in (attributes.get("class") or "").split())
        ]


def test_every_triplet_has_a_card_whose_media_lie_beside_the_page(
    tmp_path: Path, clip_path: ClipPath
) -> None:
    outline = Outline(report(tmp_path, clip_path, [triplet(index) for index in range(6)]))
    assert len(outline.all("article", "card")) == 6
    videos = outline.all("video")
    assert len({video["data-src"] for video in videos}) == 6
    for video in videos:
        assert video["preload"] == "none"
        shown = decode(tmp_path / "report" / str(video["data-src"]))
        assert shown.frames.shape[1:] == (PREVIEW_HEIGHT_PX, 3 * PREVIEW_HEIGHT_PX, 3)
        with Image.open(tmp_path / "report" / str(video["data-poster"])) as poster:
            assert poster.size == (3 * PREVIEW_HEIGHT_PX, PREVIEW_HEIGHT_PX)


def test_preview_shows_reference_positive_negative_from_left_to_right(
    tmp_path: Path, clip_path: ClipPath
) -> None:
    report(tmp_path, clip_path, [triplet(0)])
    (video,) = (tmp_path / "report" / "media").glob("*.mp4")
    for lane, role in zip(np.split(decode(video).frames[2], 3, axis=1), Role, strict=True):
        original = decode(clip_path(triplet(0).clips[role])).frames[2]
        small = np.asarray(Image.fromarray(lane).resize(original.shape[:2]), dtype=float)
        assert np.abs(small - original).mean() < 6, role


def test_page_asks_nothing_of_the_network(tmp_path: Path, clip_path: ClipPath) -> None:
    outline = Outline(report(tmp_path, clip_path, [triplet(0)]))
    for tag, attributes in outline.tags:
        for name in ("src", "href", "data-src", "data-poster", "poster", "action"):
            address = attributes.get(name) or ""
            assert not re.match(r"(\w+:)?//", address), (tag, address)
    assert "default-src 'none'" in str(outline.all("meta"))


def test_counts_stages_and_retrieval_are_told(tmp_path: Path, clip_path: ClipPath) -> None:
    outline = Outline(report(tmp_path, clip_path, [triplet(0)], rejected=rejects(2)))
    text = " ".join(" ".join(outline.pieces).split())
    assert "10 requested = 1 accepted + 6 rejected + 1 failed + 2 pending" in text
    assert "rejected: out of sync × 4" in text
    assert "96 % (48/50) 86.5 % … 98.9 %" in text
    assert "total 2 min 49 s $3.52" in text
    assert "synchrony 0.41 is below 0.80" in text


def test_money_is_told_by_purpose_vendor_and_what_became_of_it(tmp_path: Path, clip_path: ClipPath) -> None:
    spent = money(paid_calls(tmp_path), {("view_0000", 0)}, rejects(1))
    page = report(tmp_path, clip_path, [], run=summary(0, money=spent))

    assert "What became of the attempt" in page
    assert "perhaps paid" in page
    assert "$12.00" in page
    assert "<h2>Money</h2>" not in report(tmp_path, clip_path, [], run=summary(0))


def paid_calls(folder: Path) -> list[PaidCall]:
    """One call that was paid, and one whose answer was lost."""
    books = Books(folder / "calls.jsonl")
    paid, lost = books.intend(
        [
            (paid_call("a", "google", "reference_image", "view_0000"), 10.0),
            (paid_call("b", "openai", "write", "view_0001"), 0.5),
        ]
    )
    books.paid(paid, Usage(input=1), 12.0, "r1")
    books.lost(lost, "reset")
    return read(folder / "calls.jsonl")


def test_changed_factor_is_marked_with_both_values(tmp_path: Path, clip_path: ClipPath) -> None:
    html = report(tmp_path, clip_path, [triplet(0)])
    (chip,) = re.findall(r'<li class="changed">(.*?)</li>', html)
    assert chip == "<i>scenery</i>rocks → lamp posts"


@pytest.mark.parametrize(("minimum", "passes", "fails"), [(0.2, 1, 0), (0.3, 0, 1)])
def test_numbers_are_marked_against_their_limits(
    tmp_path: Path, clip_path: ClipPath, minimum: float, passes: int, fails: int
) -> None:
    html = report(tmp_path, clip_path, [triplet(0)], limits={"reference_motion": Limit(minimum=minimum)})
    assert (html.count('class="pass"'), html.count('class="miss"')) == (passes, fails)
    assert f'title="must be at least {minimum}"' in html


def test_text_from_outside_is_never_markup(tmp_path: Path, clip_path: ClipPath) -> None:
    good = triplet(0)
    plan = good.plan.__class__(
        **{
            **vars(good.plan),
            "triplet_id": HOSTILE,
            "negative_motion": HOSTILE,
            "prompts": Prompts(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
            "factors": good.plan.factors.__class__(**dict.fromkeys(vars(good.plan.factors), HOSTILE)),
        }
    )
    bad = Reject(HOSTILE, Category.VIEW, 0, 0, HOSTILE, HOSTILE, HOSTILE, HOSTILE, {HOSTILE: 1.0})
    run = summary(1, name=HOSTILE, recipe=HOSTILE, data_files=HOSTILE)
    made = triplet(0, plan=plan, prompt_writer=HOSTILE, video_generator=HOSTILE, licence=HOSTILE)
    html = report(tmp_path, clip_path, [made], rejected=[bad], run=run)
    outline = Outline(html)
    assert len(outline.all("script")) == html.count("</script>") == 1
    assert not outline.all("img")
    assert "{{ 7 * 7 }}" in outline.text
    assert outline.text.count(HOSTILE) >= 15
    assert {attributes["id"] for attributes in outline.all("article")} == {f"triplet-{HOSTILE}"}


def test_other_scripts_and_long_names_are_kept(tmp_path: Path, clip_path: ClipPath) -> None:
    name = "运动三元组 · ثلاثيات الحركة · движение " + "x" * 500
    assert name in report(tmp_path, clip_path, [], run=summary(0, name=name))


def test_without_accepted_triplets_the_page_says_so_and_lists_the_rejects(
    tmp_path: Path, clip_path: ClipPath
) -> None:
    outline = Outline(report(tmp_path, clip_path, [], rejected=rejects(3), run=summary(0, retrieval=())))
    assert "No triplet was accepted" in outline.text
    assert "view_0002" in outline.text
    assert not outline.all("article")
    assert not outline.all("image")


def test_second_report_makes_no_preview_again_and_drops_what_is_not_shown(
    tmp_path: Path, clip_path: ClipPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = tmp_path / "report" / "media"
    first = report(tmp_path, clip_path, [triplet(0), triplet(1)])
    before = {path.name: path.stat().st_mtime_ns for path in media.iterdir()}
    (media / "killed.part.mp4").write_bytes(b"half")

    def refuse(*_: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr("flows.report.preview.side_by_side", refuse)
    monkeypatch.setattr("flows.report.preview.poster", refuse)
    assert report(tmp_path, clip_path, [triplet(0), triplet(1)]) == first
    assert {path.name: path.stat().st_mtime_ns for path in media.iterdir()} == before
    report(tmp_path, clip_path, [triplet(1)])
    assert len(list(media.iterdir())) == 2
    assert sorted(path.name for path in media.parent.iterdir()) == ["media", "report.html"]


def test_clip_that_cannot_be_read_leaves_the_old_page_and_no_half_preview(
    tmp_path: Path, clip_path: ClipPath
) -> None:
    before = report(tmp_path, clip_path, [triplet(0)])
    with pytest.raises(ConfigError, match="nowhere"):
        report(tmp_path, lambda blob: tmp_path / f"nowhere{blob.suffix}", [triplet(1)])
    assert (tmp_path / "report" / "report.html").read_text(encoding="utf-8") == before
    assert not list((tmp_path / "report" / "media").glob("*.part.*"))


def test_page_of_250_triplets_stays_below_five_megabytes(
    tmp_path: Path, clip_path: ClipPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.report.preview.side_by_side", lambda paths, out, height_px: out.touch())
    monkeypatch.setattr("flows.report.preview.poster", lambda path, out, height_px: out.touch())
    curve = dict.fromkeys(Role, tuple(np.linspace(0, 1, 80).tolist()))
    html = report(
        tmp_path, clip_path, [triplet(index, spf=curve) for index in range(250)], rejected=rejects(100)
    )
    assert html.count("<article") == 250
    assert len(html.encode()) < 5_000_000


def test_heat_map_sorts_clips_by_category_then_role_and_keeps_its_picture_exact() -> None:
    labels = tuple(
        ClipLabel(str(number), category, role)
        for number, category in enumerate((Category.VIEW, Category.STATIC_OBJECT))
        for role in reversed(Role)
    )
    values = np.full((6, 6), 0.5)
    values[0, 5] = 0.0  # the view's negative against the static object's reference
    values[5, 0] = np.nan
    drawn = heat_map(SimilarityMatrix("m", values, labels))
    assert [(span.label, span.start, span.stop) for span in drawn.categories] == [
        (Category.STATIC_OBJECT, 0, 3),
        (Category.VIEW, 3, 6),
    ]
    assert [span.label[1] for span in drawn.roles] == [*Role, *Role]
    with Image.open(io.BytesIO(base64.b64decode(drawn.png_base64))) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape == (6, 6, 3)
    assert tuple(pixels[5, 0]) == (68, 1, 84)  # the low end of viridis
    assert tuple(pixels[0, 5]) == (128, 128, 128)


def test_heat_map_of_a_single_clip_can_be_drawn() -> None:
    alone = SimilarityMatrix("m", np.ones((1, 1)), (ClipLabel("a", Category.VIEW, Role.REFERENCE),))
    assert heat_map(alone).size == 1


def test_similarity_refuses_labels_that_do_not_fit() -> None:
    with pytest.raises(ContractError, match=r"2 labels; got \(3, 3\)"):
        SimilarityMatrix("m", np.ones((3, 3)), (ClipLabel("a", Category.VIEW, Role.REFERENCE),) * 2)


@given(st.lists(st.sampled_from("abc")))
def test_spans_cover_the_axis_without_gaps(labels: list[str]) -> None:
    runs = spans(labels)
    assert "".join(run.label * (run.stop - run.start) for run in runs) == "".join(labels)
    assert all(
        left.stop == right.start and left.label != right.label for left, right in itertools.pairwise(runs)
    )


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=90))
def test_curves_stay_in_their_box(progress: list[float]) -> None:
    for point in curve_points(progress, 200, 120).split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= 200
        assert 0 <= y <= 120


def test_curve_starts_at_the_bottom_left_and_ends_at_the_top_right() -> None:
    assert curve_points((0.0, 0.25, 1.0), 200, 120) == "0.0,120.0 100.0,90.0 200.0,0.0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        (-0.042, "−0.04"),
        (-0.004, "0.00"),
        (47.31, "47.3"),
        (140.2, "140"),
    ],
)
def test_numbers_are_short_and_never_break_on_special_values(value: float | None, text: str) -> None:
    assert number_text(value) == text


def test_made_up_samples_are_those_of_the_schema() -> None:
    assert set(triplet(0).measures) == set(MEASURES)

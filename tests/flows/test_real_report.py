"""The page of a set of real clips, and the words of where a build stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from annotation.decision import DecisionRules, decide_item
from data.cutting import FootageReject
from data.manifest import Counts
from data.store import Store
from flows.real_publish import markdown
from flows.real_report import write_real_report
from flows.real_set import RealSummary
from tests.annotation.crowd import crowd, item
from tests.data.real_samples import triplet

NOTHING_YET = RealSummary(
    "tiny", Counts(1, 0, {}, {}, 1), 2, 12, 5, waiting=3, answered=0, unheard={}, study="study", report="page"
)


def test_a_build_that_waits_says_for_how_much_and_what_the_footage_did_not_give(tmp_path: Path) -> None:
    nobody = decide_item(item("real-0000"), [], DecisionRules())
    page = write_real_report(tmp_path, NOTHING_YET, [], [nobody], [], Store(tmp_path).path).read_text("utf-8")
    assert "No triplet yet" in page
    assert "3 answers of annotators are still to come" in page
    assert "Every shot of every video gave a clip" in page
    assert page.count('<td class="n">–</td>') == 3, "a lead of nobody's answers"
    for said in (page, markdown(NOTHING_YET)):
        assert "the footage gave 1 of the 2 questions that were asked for" in said
    assert "the footage gave" not in markdown(replace(NOTHING_YET, num_wanted=1))


def test_a_page_tells_of_every_triplet_and_of_what_was_left_out(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    decision = decide_item(item("real-0000"), crowd("a>b>c>d>e", "a>b>c>e>d"), DecisionRules())
    reject = FootageReject("動画 <b>1</b>.mp4", None, "missing", "is not there any more")
    summary = replace(NOTHING_YET, counts=Counts(1, 1, {}, {}, 0), num_wanted=1, waiting=0)
    page = write_real_report(
        tmp_path, summary, [triplet(store, 0)], [decision], [reject], store.path
    ).read_text("utf-8")
    assert 'id="triplet-real-0000"' in page
    assert "ask more" in page
    assert "too few annotators" in page
    assert "動画 &lt;b&gt;1&lt;/b&gt;.mp4" in page
    assert "<b>1</b>.mp4" not in page
    assert "films/0.mp4, from 00:00:00.125" in page
    assert len(list((tmp_path / "report" / "media").iterdir())) == 2

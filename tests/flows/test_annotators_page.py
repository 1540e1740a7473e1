"""The page of annotators: numbers as counted by hand, everything escaped, nobody's address or password."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from annotation.answers import Answers, Reject
from annotation.decision import Decision, DecisionRules, decide
from annotation.items import RankingItem, Slot
from annotation.overview import overview
from annotation.quality import ExclusionRules
from annotation.study import Account, Study
from data.errors import ConfigError
from flows.annotators_page import item_rows, seconds_axis, tau_cells, write_annotators_page
from tests.flows.annotators_samples import PASSWORD, crowd_answers, empty_study, ranking
from tests.flows.browser import Browser
from tests.flows.test_evaluation_page import Outline

RULES = ExclusionRules()
NOTHING = Answers((), (), ())


def page(study: Study, found: Answers, *, decided: bool = False, rules: ExclusionRules = RULES) -> Outline:
    decisions: tuple[Decision, ...] = ()
    if decided:
        items, slots = list(study.items.values()), list(study.slots.values())
        faults = overview(study, found, rules).faults
        decisions = decide(items, slots, found.rankings, DecisionRules(num_draws=50), faults)
    path = study.folder / "shown" / "annotators.html"
    assert write_annotators_page(study, found, rules, path, decisions) == path
    return Outline(path.read_text("utf-8"))


def by_hand(folder: Path) -> tuple[Study, Answers]:
    """Of four people the first ranks gold in reverse, the second rightly, the third has not begun."""
    study = empty_study(folder, 4)
    first, second, _, fourth = study.accounts
    known = study.items["item 0"].candidates
    rankings = (
        ranking(study, f"{first}/item 0", known[::-1], 10),
        ranking(study, f"{first}/item 1", known_of(study), 20),
        ranking(study, f"{first}/item 1/again", (), 60),
        ranking(study, f"{second}/item 0", known, 240),
        ranking(study, f"{second}/item 1", known_of(study), 240),
        ranking(study, f"{fourth}/item 1", known_of(study), 60),
    )
    rejects = (
        Reject("1", f"{second}/item 1/again", 1, "incomplete", ""),
        Reject("2", f"{second}/item 1/again", 2, "no_time", ""),
        Reject("3", f"{second}/item 1/again", 3, "no_time", ""),
        Reject("4", f"{second}/item 1", 3, "superseded", ""),
        Reject("5", None, 4, "unknown_task", ""),
    )
    return study, Answers(rankings, rejects, ())


def known_of(study: Study) -> tuple[str, ...]:
    return study.items["item 1"].candidates


def test_the_numbers_are_those_counted_by_hand(tmp_path: Path) -> None:
    study, found = by_hand(tmp_path)
    first, second, third, _ = study.accounts
    text = page(study, found).text
    assert "4 annotators , 1 not heard 2 items , 1 of them gold" in text
    assert "12 asked = 6 answered + 6 open" in text
    # One slot of the second at 240 s, two of the fourth at 60 s, three of the third at everybody's 60 s.
    assert "work left 9 min" in text
    assert "0 of 2 items complete" in text
    # Of those who are heard two ranked, in one order: alpha, W and tau are all 1, without an interval.
    assert "1.00 Krippendorff’s alpha, no interval with fewer than three annotators" in text
    assert "1.00 Kendall’s W" in text
    assert "1.00 mean τ of two annotators" in text
    # The deviation of tau of one order of 5 is sqrt(2 · 15 / (9 · 5 · 4)) = 0.408, at 1 % 0.95.
    assert f"{first} not heard 3 of 3 1 0 20 s −1.00 ± 0.95 1 answer" in text
    assert "misses the known orders: τ −1.00 ± 0.95 of 1 answer, expected 0.30 or more" in text
    assert f"{second} 2 of 3 0 3 4 min 1.00 ± 0.95 1 answer" in text
    assert "rejected, no time × 2 rejected, incomplete × 1" in text
    assert "rejected, superseded" not in text
    assert f"{third} 0 of 3 0 0 – – – – – –" in text
    assert "unknown task × 1" in text


def test_the_agreement_is_of_those_who_are_heard(tmp_path: Path) -> None:
    study = empty_study(tmp_path, 7, 6)
    found = crowd_answers(study)
    everyone = replace(RULES, min_gold_tau=-1, min_consistency_tau=-1, min_agreement_tau=-1)
    everyone = replace(everyone, max_position_tau=1, max_fast_share=1)
    heard, all_ = (overview(study, found, rules) for rules in (RULES, everyone))
    careless = list(study.accounts)[-1]
    assert set(heard.faults) == {careless}
    assert not all_.faults
    assert (heard.agreement.num_annotators, all_.agreement.num_annotators) == (6, 7)
    assert (heard.agreement.tau or 0) > (all_.agreement.tau or 0) + 0.1
    text = page(study, found).text
    assert f"{heard.agreement.alpha:.2f} Krippendorff’s alpha, 95 % interval" in text
    assert "Of the 6 annotators who are heard and have ranked" in text
    for said in (
        "1.00 ± 0.43 6 answers",
        "goes by the order on screen: τ 1.00 ± 0.43 of 6 answers, expected within ±0.30",
        "is too fast: 100 % of the answers took less than 5 s, at most 20 % may",
    ):
        assert said in text


def test_decisions_stand_beside_their_items(tmp_path: Path) -> None:
    study = empty_study(tmp_path, 7, 6)
    found = crowd_answers(study)
    text = page(study, found, decided=True).text
    items, slots = list(study.items.values()), list(study.slots.values())
    faults = overview(study, found, RULES).faults
    for one in decide(items, slots, found.rankings, DecisionRules(num_draws=50), faults):
        outcome = {"accept": "accepted", "ask_more": "ask more"}[one.outcome]
        assert re.search(rf"{one.item_id} \d+ of \d+ {outcome}", text)
        if one.num_ranked:
            lead = f"{one.lead.winner[:14]}… {one.lead.gap:.2f} ({one.lead.low:.2f} to {one.lead.high:.2f})"
            assert lead.replace("-", "−") in text
    assert "item 0 7 of 7 gold: its order is known" in text
    assert "No decisions were made" in page(study, found).text


def test_a_winner_is_not_named_before_anybody_has_ranked(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    text = page(study, NOTHING, decided=True).text
    assert "item 1 0 of 6 ask more too few people have ranked it – –" in text


def test_before_the_first_answer_and_before_the_first_item_it_says_so(tmp_path: Path) -> None:
    text = page(empty_study(tmp_path), NOTHING).text
    assert "9 asked = 0 answered + 9 open" in text
    assert "work left unknown" in text
    assert "No agreement yet" in text
    assert "a stroke an answer" not in text
    text = page(Study(tmp_path / "new", create=True), NOTHING).text
    assert "Nobody was asked yet." in text
    assert "There are no items yet." in text


def test_neither_addresses_nor_passwords_nor_keys_are_anywhere_in_it(tmp_path: Path) -> None:
    study, found = by_hand(tmp_path)
    page(study, found, decided=True)
    html = (study.folder / "shown" / "annotators.html").read_text("utf-8")
    for account in study.accounts.values():
        assert account.annotator in html
        assert account.email not in html
    assert PASSWORD not in html
    assert study.key not in html
    assert "@" not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)


def test_hostile_names_are_shown_as_they_are(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>'\"&amp; ↗ דג"
    study = Study(tmp_path / "a<b>&c", create=True)
    study.note_item(RankingItem(hostile, "r", (f"x{hostile}", f"y{hostile}")))
    study.note_account(Account(hostile, "a@example.org", PASSWORD, 1))
    study.note_slot(Slot("s", hostile, (f"x{hostile}", f"y{hostile}")), hostile)
    found = Answers((ranking(study, "s", (f"x{hostile}", f"y{hostile}"), 20),), (), ())
    outline = page(study, found, decided=True)
    assert not outline.all("script")
    assert outline.text.count(hostile) == 2
    assert "a<b>&c" in outline.text


def test_it_is_one_file_that_loads_nothing(tmp_path: Path) -> None:
    study, found = by_hand(tmp_path)
    outline = page(study, found, decided=True)
    for _, attributes in outline.tags:
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:"))
    policy = next(tag for tag in outline.all("meta") if tag.get("http-equiv"))
    assert str(policy["content"]).startswith("default-src 'none'")


def test_an_interval_that_reaches_its_limit_accuses_nobody(tmp_path: Path) -> None:
    study, found = by_hand(tmp_path)
    known, (first, second, *_) = overview(study, found, RULES).qualities, study.accounts
    wrong, right = known[first], known[second]
    gold, consistency, agreement, position = tau_cells(wrong, RULES)
    assert gold is not None
    assert gold.wrong
    assert gold.range.at == 0
    assert gold.range.high < gold.range.marks[0] == 0.65  # a limit of 0.3 on an axis from -1 to 1
    assert consistency is None
    assert agreement is not None
    assert not agreement.wrong
    assert position is not None
    assert position.range.marks == (0.35, 0.65)
    assert tau_cells(None, RULES) == (None,) * 4
    assert not any(cell and cell.wrong for cell in tau_cells(right, RULES))


@pytest.mark.parametrize(
    ("seconds", "low", "high"),
    [([], 1, 10), ([0.04], 0.1, 1), ([6, 250], 5, 300), ([30.0], 30, 300), ([2e6], 86400, 864000)],
)
def test_the_axis_of_seconds_has_round_ends_and_holds_them_all(
    seconds: list[float], low: float, high: float
) -> None:
    axis = seconds_axis(seconds)
    assert (axis.low_seconds, axis.high_seconds) == (low, high)
    assert all(0 <= axis.at(each) <= 1 for each in seconds)
    assert axis.at(low) == 0
    assert axis.at(high) == pytest.approx(1)


def test_leads_share_one_axis_around_zero(tmp_path: Path) -> None:
    study = empty_study(tmp_path, 7, 6)
    found = crowd_answers(study)
    items, slots = list(study.items.values()), list(study.slots.values())
    decisions = decide(items, slots, found.rankings, DecisionRules(num_draws=50))
    rows = item_rows(study, overview(study, found, RULES), decisions)
    leads = [row.lead for row in rows if row.lead]
    assert leads
    assert all(lead.marks == (0.5,) for lead in leads)
    assert max(max(lead.high, 1 - lead.low) for lead in leads) == 1
    assert [row.gold for row in rows] == [True] + [False] * 5


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot write"):
        write_annotators_page(study, NOTHING, RULES, tmp_path / "file" / "page.html")


@pytest.mark.parametrize("width", [1280, 400])
def test_thirty_annotators_and_long_names_fit_the_window(
    tmp_path: Path, browser: Browser, width: int
) -> None:
    study = empty_study(tmp_path, 30, 3, name="study-" + "x" * 120)
    long = "item " + "é" * 300
    study.note_item(RankingItem(long, "r", ("x", "y")))
    study.note_slot(Slot("long", long, ("x", "y")), next(iter(study.accounts)))
    page(study, crowd_answers(study), decided=True)
    browser.set_window_size(width, 900)
    browser.get((study.folder / "shown" / "annotators.html").as_uri())
    assert len(browser.find_elements(By.CSS_SELECTOR, "#annotators tbody tr:first-child th")) == 30
    wide = browser.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]

"""A person at the pages of checks and preferences: every clip plays, keys answer, and the answer arrives."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from annotation.items import RankingItem
from annotation.pull import pull
from annotation.study import Study
from tests.annotation.conftest import World
from tests.annotation.test_browser import PLAYS, open_task, wait
from tests.flows.browser import Browser, browser

__all__ = ["browser"]
pytestmark = pytest.mark.browser

CHOSEN = "input[type=radio]:checked"


def pair(world: World, *, reference: bool = True) -> RankingItem:
    item = world.items[0]
    return RankingItem(item.item_id, item.reference if reference else "", item.candidates[:2])


def require_playing(page: Browser, number: int) -> None:
    """All clips are there, side by side, and play by themselves."""
    wait(page).until(lambda page: len(page.find_elements(By.TAG_NAME, "video")) == number)
    videos = page.find_elements(By.TAG_NAME, "video")
    for video in videos:
        wait(page).until(lambda page: page.execute_script(PLAYS, video))  # noqa: B023  (waited for here)
    assert len({video.rect["x"] for video in videos}) == number
    assert len({video.rect["y"] for video in videos}) == 1


def press(page: Browser, key: str, num_chosen: int) -> None:
    ActionChains(page).send_keys(key).perform()
    wait(page).until(lambda page: len(page.find_elements(By.CSS_SELECTOR, CHOSEN)) == num_chosen)


def submit(page: Browser) -> None:
    ActionChains(page).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()


def test_a_check_is_answered_by_keys_and_both_answers_are_needed(world: World, browser: Browser) -> None:
    item = pair(world)
    (invitation, *_) = world.push(items=[item], emails=world.emails[:1], kind="check").invitations
    open_task(browser, world.studio.url, invitation)
    require_playing(browser, 3)
    assert browser.find_elements(By.CSS_SELECTOR, CHOSEN) == []
    press(browser, "1", 1)
    submit(browser)
    warning = wait(browser).until(lambda page: page.find_element(By.XPATH, "//button[.='OK']"))
    assert "Say whether clip B moves like the reference" in browser.page_source
    browser.execute_script("arguments[0].click()", warning)
    assert pull(world.studio, world.folder).rankings == ()
    press(browser, "7", 2)
    submit(browser)
    wait(browser).until(lambda _: pull(world.studio, world.folder).rankings)
    found = pull(world.studio, world.folder)
    (judgement,) = found.judgements
    (slot,) = Study(world.folder).slots.values()
    assert found.rejects == ()
    assert (judgement.of(slot.shown[0]), judgement.of(slot.shown[1])) == ("yes", "no")
    assert judgement.order == tuple((clip,) for clip in slot.shown)
    assert judgement.seconds > 0


@pytest.mark.parametrize("reference", [False, True])
def test_a_preference_is_answered_by_a_key(world: World, browser: Browser, reference: bool) -> None:
    item = pair(world, reference=reference)
    (invitation, *_) = world.push(
        items=[item], emails=world.emails[:1], kind="preference", question="Which turn is <calmer> & 静か?"
    ).invitations
    open_task(browser, world.studio.url, invitation)
    require_playing(browser, 2 + reference)
    assert "Which turn is <calmer> & 静か?" in browser.find_element(By.TAG_NAME, "body").text
    assert browser.find_elements(By.CSS_SELECTOR, CHOSEN) == []
    press(browser, "2", 1)
    submit(browser)
    wait(browser).until(lambda _: pull(world.studio, world.folder).rankings)
    (slot,) = Study(world.folder).slots.values()
    (ranking,) = pull(world.studio, world.folder).rankings
    assert ranking.order == ((slot.shown[1],), (slot.shown[0],))

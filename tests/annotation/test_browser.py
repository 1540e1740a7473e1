"""A person at the page: every clip plays, a ranking is dragged and submitted, and its order arrives."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from annotation.pull import pull
from annotation.push import Invitation
from annotation.study import Study
from tests.annotation.conftest import World
from tests.flows.browser import Browser, browser

__all__ = ["browser"]
pytestmark = pytest.mark.browser

LEFT = ".htx-ranker-column:first-child .htx-ranker-item"
RIGHT = ".htx-ranker-column + .htx-ranker-column .htx-ranker-item"


PLAYS = "const v = arguments[0]; return !v.paused && v.currentTime > 0.2 && v.videoWidth > 0"


def wait(page: Browser) -> WebDriverWait[Browser]:
    return WebDriverWait(page, 60)


def open_task(page: Browser, url: str, invitation: Invitation) -> None:
    """Log in by the form, open the address that was handed out, read the instructions and close them."""
    page.get(f"{url}/logout")
    page.get(f"{url}/user/login/")
    page.find_element(By.NAME, "email").send_keys(invitation.email)
    page.find_element(By.NAME, "password").send_keys(invitation.password or "", Keys.ENTER)
    wait(page).until(lambda page: "/login" not in page.current_url)
    page.get(invitation.address)
    closing = wait(page).until(lambda page: page.find_element(By.CSS_SELECTOR, "[aria-label='Close modal']"))
    example = page.find_element(By.CSS_SELECTOR, "img[src*='/data/upload/']")
    wait(page).until(lambda page: page.execute_script("return arguments[0].naturalWidth > 200", example))
    page.execute_script("arguments[0].click()", closing)
    wait(page).until(lambda page: not page.find_elements(By.CSS_SELECTOR, "[aria-label='Close modal']"))


def clip_of(item: WebElement) -> str:
    return (item.find_element(By.TAG_NAME, "video").get_attribute("src") or "").rsplit("/", 1)[1]


def item_showing(page: Browser, clip: str) -> WebElement:
    return next(item for item in page.find_elements(By.CSS_SELECTOR, LEFT) if clip_of(item) == clip)


def place_by_mouse(page: Browser, clip: str) -> None:
    """Drag a clip below those that are placed."""
    placed = len(page.find_elements(By.CSS_SELECTOR, RIGHT))
    item = item_showing(page, clip)
    target = page.find_element(By.CSS_SELECTOR, ".htx-ranker-column + .htx-ranker-column")
    x = target.rect["x"] + target.rect["width"] / 2 - item.rect["x"] - item.rect["width"] / 2
    y = (
        target.rect["y"]
        + 60
        + (placed + 0.6) * item.rect["height"]
        - item.rect["y"]
        - item.rect["height"] / 2
    )
    drag = ActionChains(page, duration=100).move_to_element(item).click_and_hold().move_by_offset(8, 8)
    drag.move_by_offset(round(x) - 8, round(y) - 8).move_by_offset(0, 4).pause(0.3).release().perform()
    wait(page).until(lambda page: len(page.find_elements(By.CSS_SELECTOR, RIGHT)) == placed + 1)


def place_by_keyboard(page: Browser, clip: str) -> None:
    """Lift, move to the other column, down to its end, drop."""
    placed = len(page.find_elements(By.CSS_SELECTOR, RIGHT))
    page.execute_script("arguments[0].focus()", item_showing(page, clip))
    for key in (Keys.SPACE, Keys.ARROW_RIGHT, *[Keys.ARROW_DOWN] * placed, Keys.SPACE):
        ActionChains(page).send_keys(key).pause(0.4).perform()
    wait(page).until(lambda page: len(page.find_elements(By.CSS_SELECTOR, RIGHT)) == placed + 1)


def test_every_clip_plays_and_a_ranking_arrives_in_its_order(world: World, browser: Browser) -> None:
    (invitation, *_) = world.push().invitations
    open_task(browser, world.studio.url, invitation)
    wait(browser).until(lambda page: len(page.find_elements(By.CSS_SELECTOR, LEFT)) == 3)
    videos = browser.find_elements(By.TAG_NAME, "video")
    assert len(videos) == 1 + 3
    for video in videos:
        assert video.get_attribute("muted") == "true"
        assert video.get_attribute("loop") == "true"
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", video)
        wait(browser).until(lambda page: page.execute_script(PLAYS, video))  # noqa: B023  (waited for here)
    browser.execute_script("window.scrollTo(0, 0)")
    submit = browser.find_element(By.CSS_SELECTOR, "[aria-label='Submit current annotation']")
    assert not submit.is_enabled()  # nothing is ranked before a person does it

    study = Study(world.folder)
    slot = study.slots_of(invitation.annotator)[0]
    wished = study.items[slot.item_id].candidates
    files = [study.clip_urls[clip].rsplit("/", 1)[1] for clip in wished]
    place_by_mouse(browser, files[0])
    place_by_mouse(browser, files[1])
    place_by_keyboard(browser, files[2])
    assert [clip_of(item) for item in browser.find_elements(By.CSS_SELECTOR, RIGHT)] == files
    ActionChains(browser).send_keys("1").perform()
    browser.find_element(By.CSS_SELECTOR, "[aria-label='Submit current annotation']").click()
    wait(browser).until(lambda _: pull(world.studio, world.folder).rankings)
    found = pull(world.studio, world.folder)
    assert found.rejects == ()
    (ranking,) = found.rankings
    assert (ranking.slot_id, ranking.annotator, ranking.verdict) == (
        slot.slot_id,
        invitation.annotator,
        "ranked",
    )
    assert ranking.order == tuple((clip,) for clip in wished)
    assert ranking.seconds > 0

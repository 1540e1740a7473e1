"""The report in a real browser, from disk: it plays, filters, sorts, and runs nobody else's script."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from data.schema import Prompts
from flows.report import Limit, write_report
from tests.flows.browser import Browser
from tests.flows.report_samples import HOSTILE, clip_files, rejects, similarity, summary, triplet

pytestmark = pytest.mark.browser

WAIT_SECONDS = 20
NUM_TRIPLETS = 10


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("out")
    triplets = [triplet(index) for index in range(NUM_TRIPLETS - 1)]
    last = triplet(NUM_TRIPLETS - 1)
    hostile = last.plan.__class__(
        **{**vars(last.plan), "prompts": Prompts(HOSTILE, HOSTILE, HOSTILE, "зимний ПОЁТ")}
    )
    triplets.append(triplet(NUM_TRIPLETS - 1, plan=hostile))
    page = write_report(
        out,
        summary=summary(NUM_TRIPLETS, name=HOSTILE),
        triplets=triplets,
        rejects=rejects(3),
        similarity=similarity(triplets),
        limits={"synchrony": Limit(minimum=0.8)},
        clip_path=clip_files(out / "clips"),
    )
    return page.as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Browser:
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(address)
    return browser


def wait_for(browser: Browser, condition: Callable[[Browser], object]) -> None:
    WebDriverWait(browser, WAIT_SECONDS, poll_frequency=0.05).until(condition)


def shown(browser: Browser) -> list[WebElement]:
    return browser.find_elements(By.CSS_SELECTOR, ".card:not([hidden])")


def choose(browser: Browser, name: str, value: str) -> None:
    Select(browser.find_element(By.NAME, name)).select_by_value(value)


def videos(browser: Browser, expression: str) -> list[object]:
    """``expression`` of every ``video``, in the order of the page."""
    found: list[object] = browser.execute_script(
        f"return [...document.querySelectorAll('video')].map((video) => {expression})"
    )
    return found


def scroll_to_first(browser: Browser) -> None:
    browser.execute_script("document.querySelector('.stage').scrollIntoView({block: 'center'})")


def test_opens_from_disk_without_a_word_in_the_console(page: Browser) -> None:
    assert len(shown(page)) == NUM_TRIPLETS
    scroll_to_first(page)
    wait_for(page, lambda b: videos(b, "video.currentTime > 0")[0])
    assert page.get_log("browser") == []


def test_videos_play_when_they_come_into_view_and_only_then(page: Browser) -> None:
    scroll_to_first(page)
    wait_for(page, lambda b: videos(b, "video.currentTime > 0.1 && !video.paused")[0])
    assert videos(page, "video.videoWidth === 3 * video.videoHeight")[0]
    assert videos(page, "video.currentTime")[-1] == 0
    page.execute_script("document.querySelector('#rejects').scrollIntoView()")
    wait_for(page, lambda b: videos(b, "video.paused")[0])


def test_videos_far_from_view_are_let_go_and_come_back(page: Browser) -> None:
    scroll_to_first(page)
    wait_for(page, lambda b: videos(b, "video.readyState > 1")[0])
    page.execute_script("scrollTo(0, document.body.scrollHeight)")
    wait_for(page, lambda b: not videos(b, "video.hasAttribute('src')")[0])
    scroll_to_first(page)
    wait_for(page, lambda b: videos(b, "video.currentTime > 0 && !video.paused")[0])
    assert not page.find_elements(By.CSS_SELECTOR, ".broken")


def test_one_button_stops_and_starts_all_videos(page: Browser) -> None:
    button = page.find_element(By.ID, "play")
    scroll_to_first(page)
    wait_for(page, lambda b: not videos(b, "video.paused")[0])
    button.send_keys(Keys.ENTER)
    wait_for(page, lambda b: all(videos(b, "video.paused")))
    assert button.text == "Play all"
    button.send_keys(Keys.SPACE)
    wait_for(page, lambda b: not videos(b, "video.paused")[0])
    assert button.text == "Pause all"


def test_one_video_can_be_stopped_from_the_keyboard(page: Browser) -> None:
    scroll_to_first(page)
    wait_for(page, lambda b: not videos(b, "video.paused")[0] and not videos(b, "video.paused")[1])
    first = page.find_element(By.CSS_SELECTOR, ".stage")
    first.send_keys(Keys.ENTER)
    wait_for(page, lambda b: videos(b, "video.paused")[0])
    assert not videos(page, "video.paused")[1]
    assert first.get_attribute("aria-pressed") == "false"


def test_line_in_the_curve_follows_the_video(page: Browser) -> None:
    scroll_to_first(page)

    def position(browser: Browser) -> float:
        line = browser.find_element(By.CSS_SELECTOR, ".playhead")
        return float(line.get_attribute("x1") or 0)

    wait_for(page, lambda b: position(b) > 20)


def test_speed_holds_for_videos_that_load_later(page: Browser) -> None:
    Select(page.find_element(By.ID, "speed")).select_by_value("0.5")
    page.execute_script("document.querySelectorAll('.stage')[9].scrollIntoView()")
    wait_for(page, lambda b: videos(b, "video.readyState > 1 && video.playbackRate")[9] == 0.5)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("category", "view", 2), ("motion", "walk", 5), ("style", "painted", 2), ("subject", "robot", 2)],
)
def test_filter_keeps_what_fits_and_counts_it(page: Browser, name: str, value: str, expected: int) -> None:
    choose(page, name, value)
    wait_for(page, lambda b: len(shown(b)) == expected)
    assert page.find_element(By.CSS_SELECTOR, ".shown").text == f"showing {expected} of {NUM_TRIPLETS}"
    assert all(value in (card.get_attribute(f"data-{name}") or "").split("\n") for card in shown(page))
    page.find_element(By.CSS_SELECTOR, "#filters button[type=reset]").click()
    wait_for(page, lambda b: len(shown(b)) == NUM_TRIPLETS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [("lamp_posts", 2), ("WALK person", 1), ("поёт", 1), ("window.hacked", 1), ("nothing", 0)],
)
def test_search_finds_words_in_any_case_and_script(page: Browser, words: str, expected: int) -> None:
    page.find_element(By.NAME, "search").send_keys(words)
    wait_for(page, lambda b: len(shown(b)) == expected)
    assert page.find_element(By.ID, "nothing").is_displayed() is (expected == 0)


def test_nothing_found_offers_the_way_back(page: Browser) -> None:
    page.find_element(By.NAME, "search").send_keys("nothing of the kind")
    wait_for(page, lambda b: b.find_element(By.ID, "again").is_displayed())
    page.find_element(By.ID, "again").click()
    wait_for(page, lambda b: len(shown(b)) == NUM_TRIPLETS)


@pytest.mark.parametrize(("order", "descending"), [("synchrony:up", False), ("margin:down", True)])
def test_order_sorts_within_each_category(page: Browser, order: str, descending: bool) -> None:
    choose(page, "sort", order)
    for section in page.find_elements(By.CSS_SELECTOR, ".category"):
        cards = section.find_elements(By.CLASS_NAME, "card")
        numbers = [float(card.get_attribute(f"data-{order.split(':')[0]}") or "nan") for card in cards]
        assert numbers == sorted(numbers, reverse=descending)
        assert len(numbers) == 2


def test_hostile_text_stays_text(page: Browser) -> None:
    assert page.execute_script("return window.hacked") is None
    assert page.find_element(By.TAG_NAME, "h1").text == HOSTILE
    prompt = page.find_element(By.CSS_SELECTOR, f"[id$='{NUM_TRIPLETS - 1:04d}'] dd")
    assert prompt.get_attribute("textContent") == HOSTILE
    assert not page.find_elements(By.CSS_SELECTOR, "img")


def test_policy_refuses_a_script_that_is_not_ours(page: Browser) -> None:
    page.execute_script(
        "const script = document.createElement('script'); script.textContent = 'window.hacked = 1';"
        "document.body.append(script)"
    )
    assert page.execute_script("return window.hacked") is None
    assert any("Content Security Policy" in entry["message"] for entry in page.get_log("browser"))


@pytest.mark.parametrize("width_px", [360, 800, 1280])
def test_page_never_scrolls_sideways(page: Browser, width_px: int) -> None:
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width_px, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.execute_script(overflow) == 0
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

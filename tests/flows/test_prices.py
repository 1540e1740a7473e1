"""Prices: list prices to the cent, the user's own before them, and help where there is none."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigError
from data.paid import Usage
from flows.prices import load_prices

DAY = date(2026, 11, 21)
counts = st.integers(0, 10**7)


def own(folder: Path, text: str) -> Path:
    file = folder / "prices.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@given(counts, counts, counts)
def test_gpt_41_costs_what_openai_lists_with_cached_input_at_a_quarter(
    fresh: int, cached: int, output: int
) -> None:
    usage = Usage(input=fresh + cached, cached_input=cached, output=output)
    expected = (fresh * 2.0 + cached * 0.5 + output * 8.0) / 1e6
    assert load_prices(None, DAY).usd("openai", "gpt-4.1", usage) == pytest.approx(expected)


def test_a_gemini_picture_of_1290_tokens_costs_39_tenths_of_a_cent_and_its_words_less() -> None:
    prices = load_prices(None, DAY)
    picture = Usage(image_output=1290)
    assert prices.usd("google", "gemini-2.5-flash-image", picture) == pytest.approx(0.0387)
    both = Usage(input=1000, output=100, image_output=1290)
    expected = 0.0387 + 1000 * 0.3e-6 + 100 * 2.5e-6
    assert prices.usd("google", "gemini-2.5-flash-image", both) == pytest.approx(expected)


def test_a_model_without_a_price_for_cached_tokens_or_pictures_bills_them_as_the_rest() -> None:
    prices = load_prices(None, DAY)
    cached = Usage(input=1000, cached_input=1000)
    assert prices.usd("google", "gemini-2.5-flash-image", cached) == pytest.approx(1000 * 0.3e-6)
    assert prices.usd("openai", "gpt-4.1", Usage(image_output=1000)) == pytest.approx(1000 * 8e-6)


def test_more_cached_than_all_input_is_taken_as_all_of_it() -> None:
    usage = Usage(input=100, cached_input=200)
    assert load_prices(None, DAY).usd("openai", "gpt-4.1", usage) == pytest.approx(100 * 0.5e-6)


def test_a_batch_costs_half() -> None:
    prices = load_prices(None, DAY)
    usage = Usage(input=1000, output=1000)
    half = prices.usd("openai", "gpt-4.1", usage, discount=0.5)
    assert half == pytest.approx(prices.usd("openai", "gpt-4.1", usage) / 2)


def test_own_prices_come_first_each_from_its_day_on(tmp_path: Path) -> None:
    file = own(
        tmp_path,
        "- {provider: openai, model: gpt-4.1, valid_from: 2026-06-01, input: 3, cached_input: 1, output: 9}\n"
        "- {provider: openai, model: gpt-4.1, valid_from: 2026-12-01, input: 4, output: 5, image_output: 7}\n"
        "- {provider: openai, model: llama, valid_from: 2026-01-01, input: 0, output: 0}\n",
    )
    usage = Usage(input=3_000_000, cached_input=1_000_000, output=1_000_000, image_output=1_000_000)

    def usd(day: date, model: str = "gpt-4.1") -> float:
        return load_prices(file, day).usd("openai", model, usage)

    assert usd(date(2026, 6, 1)) == pytest.approx(2 * 3 + 1 + 9 + 9)
    assert usd(date(2026, 12, 1)) == pytest.approx(3 * 4 + 5 + 7)
    listed = load_prices(None, date(2026, 5, 31)).usd("openai", "gpt-4.1", usage)
    assert usd(date(2026, 5, 31)) == pytest.approx(listed)
    assert usd(DAY, "llama") == 0


def test_an_unknown_model_is_refused_with_a_row_that_works_once_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no price of 'my-model' of 'openai'") as raised:
        load_prices(None, DAY).usd("openai", "my-model", Usage())
    row = str(raised.value).partition("- {")[2].partition("}")[0]
    file = own(tmp_path, "- {" + row + "}\n")
    assert load_prices(file, DAY).usd("openai", "my-model", Usage(input=10**6)) == pytest.approx(2.0)


def test_an_unknown_provider_is_refused_too() -> None:
    with pytest.raises(ConfigError, match="'nobody'"):
        load_prices(None, DAY).usd("nobody", "gpt-4.1", Usage())


ROW = "- {provider: a, model: b, valid_from: 2026-01-01, input: 1, output: 1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid YAML"),
        ("provider: a", "Such a file is a list of rows"),
        (f"{ROW}, inputs: 3}}", "inputs"),
        (ROW.replace("input: 1", "input: -1") + "}", "0.input"),
        (ROW.replace("input: 1", "input: .nan") + "}", "0.input"),
        (f"{ROW}}}\n{ROW}}}", "twice"),
    ],
)
def test_a_price_file_that_is_wrong_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_prices(own(tmp_path, text), DAY)


def test_a_missing_price_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml cannot be read"):
        load_prices(tmp_path / "none.yaml", DAY)


def test_the_source_tells_the_day_the_list_and_the_own_file(tmp_path: Path) -> None:
    file = own(tmp_path, f"{ROW}}}")
    source = load_prices(file, DAY).source
    assert source.startswith(f"list prices of 2026-11-21 from {file} and genai-prices ")
    last = date.fromisoformat(source.rpartition(": ")[2].rstrip(")"))
    assert date(2026, 1, 1) < last <= DAY
    assert str(file) not in load_prices(None, DAY).source

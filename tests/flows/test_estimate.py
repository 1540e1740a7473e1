"""The estimate: what the parts ask for, times the attempts that are assumed, at prices with a date."""

import io
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from data.errors import ConfigError
from flows.cli_estimate import estimate as estimate_command
from flows.estimate import ASSUMED_REJECTS, Estimate, Line, estimate, print_estimate, sentences
from flows.prices import Prices
from flows.recipe import Recipe, load_recipe
from generators.config import DiffusersImageConfig, GeminiConfig, ProceduralConfig, gpu_seconds_per_triplet
from generators.wan_config import WanConfig
from prompts.config import OpenAIConfig

PRICES = Prices(date(2026, 11, 21))
DEMO = Recipe(name="demo", per_category=2)
PAID = Recipe(
    name="paid",
    per_category=50,
    max_attempts=3,
    writer=OpenAIConfig(),
    images=GeminiConfig(),
    video=WanConfig(),
)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def line(found: Estimate, stage: str) -> Line:
    (one,) = (each for each in found.lines if each.stage == stage)
    return one


def printed(recipe: Recipe, limit: int | None = None) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_estimate(recipe, Path("out/here"), limit, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_is_made_here_by_rendering_costs_nothing_and_is_not_rejected() -> None:
    found = estimate(DEMO, PRICES)
    assert (found.triplets, found.attempts, found.usd, found.gpu_hours) == (10, 1.0, 0.0, 0.0)
    pieces = [(each.stage, each.by, each.pieces, each.unit) for each in found.lines]
    assert pieces == [
        ("prompts", "template", 40, "prompts"),
        ("first frames", "procedural", 20, "images"),
        ("clips", "procedural", 30, "clips"),
        ("verdict", "this machine", 10, "triplets"),
    ]


def test_pictures_are_asked_for_once_per_attempt_at_the_list_price() -> None:
    found = estimate(PAID, PRICES)
    attempts = 1 + ASSUMED_REJECTS + ASSUMED_REJECTS**2  # of three at most
    assert found.attempts == pytest.approx(attempts)
    reference = line(found, "first frames: reference image")
    assert reference.unit == "images"
    assert reference.calls == pytest.approx(250 * attempts)
    assert reference.output_tokens == pytest.approx(250 * attempts * 1290)
    assert reference.usd == pytest.approx(250 * attempts * 1290 * 30e-6 + reference.input_tokens * 0.3e-6)
    positive = line(found, "first frames: positive image")
    assert positive.input_tokens > reference.input_tokens  # it is sent the reference
    assert line(found, "clips").pieces == pytest.approx(3 * 250 * attempts)


def test_gpu_hours_are_those_of_all_attempts() -> None:
    found = estimate(PAID, PRICES)
    seconds = gpu_seconds_per_triplet(PAID.video, PAID.clip_format)
    assert found.gpu_hours == pytest.approx(250 * found.attempts * seconds / 3600)
    assert estimate(DEMO, PRICES).gpu_hours == 0


def test_prompts_are_written_once_and_cost_half_in_batches() -> None:
    whole = line(estimate(PAID, PRICES), "prompts: write")
    batched = PAID.model_copy(update={"writer": OpenAIConfig(batch=True)})
    half = line(estimate(batched, PRICES), "prompts: write")
    assert 250 <= whole.calls < 2 * 250
    assert whole.usd == pytest.approx(whole.input_tokens * 2e-6 + whole.output_tokens * 8e-6)
    assert half.usd == pytest.approx(whole.usd / 2)
    assert half.input_tokens == whole.input_tokens


def test_a_limit_scales_everything_and_never_up() -> None:
    whole, part = estimate(PAID, PRICES), estimate(PAID, PRICES, limit=25)
    assert part.usd == pytest.approx(whole.usd / 10)
    assert part.gpu_hours == pytest.approx(whole.gpu_hours / 10)
    assert estimate(PAID, PRICES, limit=10_000).usd == whole.usd


def test_rendered_pictures_moved_by_a_model_are_rejected_too() -> None:
    mixed = PAID.model_copy(update={"images": ProceduralConfig()})
    found = estimate(mixed, PRICES)
    assert found.assumed_rejects == ASSUMED_REJECTS
    assert line(found, "first frames").pieces == pytest.approx(2 * 250 * found.attempts)
    assert line(found, "first frames").gpu_hours == 0


def test_gpu_work_without_a_figure_is_shown_as_unknown_and_not_as_none() -> None:
    own = PAID.model_copy(update={"images": DiffusersImageConfig()})
    found = estimate(own, PRICES)
    assert line(found, "first frames").gpu_hours is None
    assert found.gpu_hours == line(found, "clips").gpu_hours
    assert "A '?' is work on a GPU" in printed(own)


def test_a_model_without_a_price_says_how_to_give_it_one() -> None:
    unknown = PAID.model_copy(update={"writer": OpenAIConfig(model="my-llama")})
    with pytest.raises(ConfigError, match="'prices:' in the recipe"):
        estimate(unknown, PRICES)


def test_the_printed_estimate_states_what_it_rests_on() -> None:
    text = printed(PAID)
    assert "30% of the attempts are assumed to be rejected" in text
    assert "1.39 attempts at each triplet" in text
    assert "genai-prices" in text
    assert f"{date.today().year}-" in text
    assert "gpt-4.1" in text
    assert "gemini-2.5-flash-image" in text
    assert "one H100" in text
    assert "budget_usd" not in text


def test_a_free_estimate_speaks_of_no_prices_and_shows_the_prompts() -> None:
    text = printed(DEMO, limit=3)
    assert "assumed" not in text
    assert "genai-prices" not in text
    assert "→ out/here" in text
    assert "3 of them now" in text
    for plan in ("static_object_0000", "view_0000"):
        assert plan in text
    assert text.count("negative motion: ") == 5


def test_prompts_that_cost_are_not_written_for_an_estimate() -> None:
    text = printed(PAID)
    assert "base:" not in text
    assert text.count("subject: ") == 5


def test_a_budget_that_will_not_do_is_said_beforehand() -> None:
    found = estimate(PAID, PRICES)
    assert "the run will stop" in sentences(found, found.usd - 1)[-1]
    assert "the run will stop" not in sentences(found, found.usd + 1)[-1]


def test_the_command_prints_the_estimate_of_a_bundled_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    estimate_command("demo", limit=None)
    assert f"recipe {load_recipe('demo').name} (nothing is made)" in capsys.readouterr().out

"""The doctor says of every part whether it is well and what to do, pays nothing and shows no key."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from data.finding import Finding
from flows.cli_doctor import doctor, table
from flows.doctor import Line, lines
from flows.recipe import Recipe, load_recipe
from tests.protocol.gemini_server import KEY as GEMINI_KEY
from tests.protocol.gemini_server import GeminiServer
from tests.protocol.openai_server import KEY as OPENAI_KEY
from tests.protocol.openai_server import OpenAIServer

WRONG_KEY = "sk-canary-0123456789"


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "LABEL_STUDIO_URL", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def openai_server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def gemini_server() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        yield server


def recipe_of(openai_server: OpenAIServer, gemini_server: GeminiServer, wan: Path) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "small",
            "per_category": 1,
            "format": {"size_px": 64, "duration_seconds": 1.0, "fps": 16},
            "writer": {"kind": "openai", "base_url": openai_server.base_url},
            "images": {"kind": "gemini", "base_url": gemini_server.url},
            "video": {"kind": "wan", "model": str(wan)},
        }
    )


def found_by(recipe: Recipe | None, out: Path) -> dict[str, Line]:
    return {line.finding.name: line for line in lines(recipe, out)}


def on_terminal(found: list[Line], width: int = 100) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        console.print(table(found))
    return captured.get()


def test_what_a_recipe_needs_is_asked_of_its_own_servers(
    openai_server: OpenAIServer,
    gemini_server: GeminiServer,
    tiny_wan_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI_KEY)
    monkeypatch.setenv("GEMINI_API_KEY", GEMINI_KEY)

    found = found_by(recipe_of(openai_server, gemini_server, tiny_wan_folder), tmp_path)

    well = {"OpenAI key", "OpenAI model", "Gemini key", "Gemini model", "WAN checkpoint", "WAN format"}
    well |= {"ffmpeg", "disk", "Prefect", "simmotion", "main memory"}
    assert well <= {name for name, line in found.items() if line.finding.ok}
    assert all(line.needed for name, line in found.items() if name != "Label Studio")
    # Nothing was billed, and no key is shown.
    assert not openai_server.billed
    assert not gemini_server.billed
    said = on_terminal(list(found.values()))
    assert OPENAI_KEY not in said
    assert GEMINI_KEY not in said


def test_wrong_keys_and_unknown_models_say_what_to_do_and_show_no_key(
    openai_server: OpenAIServer,
    gemini_server: GeminiServer,
    tiny_wan_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = recipe_of(openai_server, gemini_server, tiny_wan_folder)
    monkeypatch.setenv("OPENAI_API_KEY", WRONG_KEY)
    monkeypatch.setenv("GEMINI_API_KEY", WRONG_KEY)
    wrong_keys = found_by(recipe, tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI_KEY)
    monkeypatch.setenv("GEMINI_API_KEY", GEMINI_KEY)
    openai_server.models = ("gpt-4o",)
    gemini_server.models = ()
    unknown_models = found_by(recipe, tmp_path)

    for found in (wrong_keys, unknown_models):
        assert not found["OpenAI model"].finding.ok
        assert not found["Gemini model"].finding.ok
        assert WRONG_KEY not in on_terminal(list(found.values()), width=2000)
    assert "OPENAI_API_KEY" in wrong_keys["OpenAI model"].finding.detail
    assert "GEMINI_API_KEY" in wrong_keys["Gemini model"].finding.detail
    assert "gpt-4o" in unknown_models["OpenAI model"].finding.what_to_do


def test_a_recipe_without_models_needs_no_keys_and_no_gpu(tmp_path: Path) -> None:
    found = found_by(load_recipe("demo"), tmp_path)

    assert set(found) == {"simmotion", "ffmpeg", "disk", "Prefect", "Label Studio"}
    assert all(line.finding.ok for line in found.values())


def test_without_a_recipe_all_is_told_and_little_is_needed(tmp_path: Path) -> None:
    found = found_by(None, tmp_path)

    assert {"OpenAI key", "Gemini key", "GPU", "WAN checkpoint", "WAN memory"} <= set(found)
    assert {name for name, line in found.items() if line.needed} == {"simmotion", "ffmpeg", "disk", "Prefect"}
    assert "OpenAI model" not in found  # without a key nobody is asked


def test_a_server_that_is_configured_must_answer(
    openai_server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = openai_server.url
    openai_server.__exit__(None, None, None)
    monkeypatch.setenv("LABEL_STUDIO_URL", gone.replace("//", "//ann:secret@"))

    label_studio = found_by(load_recipe("demo"), tmp_path)["Label Studio"].finding

    assert not label_studio.ok
    assert "LABEL_STUDIO_URL" in label_studio.what_to_do
    assert "secret" not in label_studio.detail


def test_too_little_disk_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 10_000_000}))

    disk = found_by(load_recipe("demo"), tmp_path / "not" / "yet")["disk"].finding

    assert not disk.ok
    assert "0.0 GB free, about" in disk.detail
    assert "--out" in disk.what_to_do


def test_long_texts_are_folded_and_never_cut() -> None:
    detail = "word " * 60 + "/a/very/" + "long/" * 40 + "path"
    found = [
        Line(Finding("good", True, "well"), needed=True),
        Line(Finding("bad", False, detail, "mend [it]"), needed=True),
        Line(Finding("not needed", False, "away"), needed=False),
    ]

    said = on_terminal(found, width=60)

    assert [line[:2] for line in said.splitlines() if line[0] != " "] == ["ok", "!!", "– "]
    assert "".join(detail.split()) in "".join(said.split())
    assert "→ mend [it]" in said
    assert max(map(len, said.splitlines())) <= 60


def test_the_exit_code_says_whether_the_recipe_can_be_built(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(doctor)
    run = CliRunner().invoke

    assert run(app, ["--recipe", "demo", "--out", str(tmp_path)]).exit_code == 0
    assert run(app, ["--out", str(tmp_path)]).exit_code == 0
    unwell = run(app, ["--recipe", "paper", "--out", str(tmp_path)])
    assert unwell.exit_code == 2
    assert "To be mended first: OpenAI key, Gemini key" in unwell.output

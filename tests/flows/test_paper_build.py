"""The recipe ``paper`` from prompt to Parquet, against servers that speak the vendors' protocols and bill."""

import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from data import manifest
from data.shards import read_rows
from flows import calls
from generators.wan import WanVideos
from tests.flows.conftest import Prefect
from tests.flows.paper_world import PaperWorld, paid_ids, paper_world
from tests.generators.tiny_images import save_tiny_drawer, save_tiny_editor
from tests.protocol import gemini_server
from tests.protocol.gemini_server import Outcome
from tests.protocol.hub_server import HubServer
from tests.protocol.server import Fault


@pytest.fixture
def world(tiny_wan_folder: Path, prefect: Prefect, tmp_path: Path) -> Iterator[PaperWorld]:
    with paper_world(tiny_wan_folder, prefect, tmp_path) as made:
        yield made


def balance(out: Path) -> dict[str, int]:
    counts = manifest.read(out / "manifest.json").counts
    assert counts.requested == sum(counts.parts.values())
    return dict(counts.parts)


def assert_books_equal_bills(world: PaperWorld, out: Path) -> None:
    booked = calls.read(out / "calls.jsonl")
    assert paid_ids(out) == world.billed_ids()
    assert calls.bill(booked).paid_usd == pytest.approx(world.billed_usd)
    assert calls.bill(booked).possibly_usd == 0


def test_a_complete_build_books_what_the_vendors_bill(world: PaperWorld, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = world.build(out)

    assert run.returncode == 0, run.stderr
    assert balance(out) == {"accepted": 2, "rejected": 0, "failed": 0, "pending": 0}
    assert world.gemini.billed, "first frames cost money"
    assert_books_equal_bills(world, out)
    rows = list(
        read_rows(
            sorted((out / "data").glob("*.parquet")),
            columns=["prompt_writer", "image_generator", "reference_generator", "ai_generated"],
        )
    )
    assert [row["prompt_writer"].split("@")[0] for row in rows] == ["openai:gpt-4.1"] * 2
    assert {(row["image_generator"], row["reference_generator"]) for row in rows} == {("gemini", "wan")}
    assert all(row["ai_generated"] for row in rows)


def test_a_finished_build_asks_nobody_again(world: PaperWorld, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert world.build(out).returncode == 0
    asked, before = world.num_requests, (out / "manifest.json").read_bytes()

    # Nor are weights read: they could have been deleted.
    with patch.object(WanVideos, "open", side_effect=AssertionError("opened")):
        assert world.build(out).returncode == 0
    assert world.num_requests == asked
    assert (out / "manifest.json").read_bytes() == before


def test_faults_on_the_way_cost_time_and_not_triplets(world: PaperWorld, tmp_path: Path) -> None:
    out = tmp_path / "out"
    world.openai.fail_next(Fault("refuse", 429, {"Retry-After": "0"}), Fault("reset"))
    world.gemini.fail_next(Fault("refuse", 503))
    run = world.build(out)

    assert run.returncode == 0, run.stderr
    assert balance(out)["accepted"] == 2
    # The answer that broke off was carried out; its second request was known by its id, and free.
    assert paid_ids(out) == world.billed_ids()
    kinds = [call.outcome.kind for call in calls.read(out / "calls.jsonl") if call.outcome]
    assert sorted(set(kinds)) == ["lost", "not_billed", "paid"]


def test_a_refused_picture_gets_other_words_and_is_paid_once_more(world: PaperWorld, tmp_path: Path) -> None:
    out = tmp_path / "out"
    world.gemini.answer_next(Outcome(finish_reason="IMAGE_SAFETY"))
    run = world.build(out, per_category=1, categories=["scene_style"])

    assert run.returncode == 0, run.stderr
    assert balance(out)["accepted"] == 1
    (reject,) = [json.loads(line) for line in (out / "rejects.jsonl").read_text().splitlines()]
    assert (reject["stage"], reject["reason"], reject["attempt"]) == ("first_frames", "image_safety", 0)
    purposes = [call.intent.purpose for call in calls.read(out / "calls.jsonl")]
    assert purposes.count("reference_image") == 2
    assert_books_equal_bills(world, out)


def test_what_is_prohibited_is_not_asked_for_again(world: PaperWorld, tmp_path: Path) -> None:
    out = tmp_path / "out"
    world.gemini.answer_next(Outcome(finish_reason="IMAGE_PROHIBITED_CONTENT"))
    run = world.build(out, categories=["scene_style"])

    assert run.returncode == 0, run.stderr
    assert balance(out) == {"accepted": 0, "rejected": 1, "failed": 0, "pending": 0}
    assert len(world.gemini.requests) == 1
    assert_books_equal_bills(world, out)


def test_a_refused_prompt_is_one_rejected_triplet(world: PaperWorld, tmp_path: Path) -> None:
    out = tmp_path / "out"
    world.openai.misbehave("refusal")
    run = world.build(out)

    assert run.returncode == 0, run.stderr
    assert balance(out) == {"accepted": 1, "rejected": 1, "failed": 0, "pending": 0}
    assert manifest.read(out / "manifest.json").counts.rejected == {"prompt_refused": 1}
    assert_books_equal_bills(world, out)


def test_the_budget_ends_a_run_cleanly_and_more_money_continues_it(world: PaperWorld, tmp_path: Path) -> None:
    out = tmp_path / "out"
    poor = world.build(out, "--budget", "0.06")

    assert poor.returncode == 1
    assert "budget_usd of $0.06 does not cover" in poor.stderr
    assert balance(out)["pending"] >= 1
    assert world.billed_usd <= 0.06
    assert_books_equal_bills(world, out)

    rich = world.build(out, "--budget", "5")
    assert rich.returncode == 0, rich.stderr
    assert balance(out)["accepted"] == 2
    assert_books_equal_bills(world, out)


@pytest.mark.parametrize("missing", ["OPENAI_API_KEY", "GEMINI_API_KEY"])
def test_a_missing_key_is_named_before_anything_is_paid(
    world: PaperWorld, tmp_path: Path, missing: str
) -> None:
    world.recipe()
    del world.keys[missing]
    local = {"kind": "openai"} if missing == "OPENAI_API_KEY" else {"kind": "gemini"}
    run = world.build(tmp_path / "out", **{"writer" if missing.startswith("OPENAI") else "images": local})

    assert run.returncode == 2
    assert missing in run.stderr
    assert not world.openai.billed
    assert not world.gemini.billed


def test_a_wrong_key_ends_the_run_and_is_not_shown(world: PaperWorld, tmp_path: Path) -> None:
    world.keys["GEMINI_API_KEY"] = "canary-0123456789"
    out = tmp_path / "out"
    run = world.build(out)

    assert run.returncode == 2
    assert "GEMINI_API_KEY" in run.stderr
    written = "".join(path.read_text(errors="replace") for path in out.rglob("*") if path.is_file())
    assert "canary-0123456789" not in run.stderr + run.stdout + written


def test_a_quota_that_runs_out_on_the_way_ends_the_run_and_what_was_paid_is_kept(
    world: PaperWorld, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    well = Fault("dribble")  # right, if slow
    world.gemini.fail_next(well, well, gemini_server.PER_DAY)
    run = world.build(out)

    assert run.returncode == 2
    assert "daily quota" in run.stderr
    assert len(world.gemini.billed) >= 2
    assert_books_equal_bills(world, out)

    again = world.build(out)
    assert again.returncode == 0, again.stderr
    assert balance(out) == {"accepted": 2, "rejected": 0, "failed": 0, "pending": 0}
    assert len(world.gemini.billed) == 4, "two references and two edits, each once"
    assert_books_equal_bills(world, out)


def test_a_format_that_the_model_cannot_make_is_refused_before_anything_is_paid(
    world: PaperWorld, tmp_path: Path
) -> None:
    run = world.build(tmp_path / "out", "--fps", "8", "--seconds", "2")

    assert run.returncode == 2
    assert "set format.fps: 16" in run.stderr
    assert world.num_requests == 0


def test_a_model_that_is_nowhere_is_refused_before_anything_is_paid(
    world: PaperWorld, tmp_path: Path
) -> None:
    run = world.build(tmp_path / "out", video={"kind": "wan", "model": str(tmp_path / "nowhere")})

    assert run.returncode == 2
    assert "is no folder here" in run.stderr
    assert world.num_requests == 0


@pytest.mark.parametrize("online", [True, False])
def test_a_hub_id_that_cannot_be_had_is_refused_before_anything_is_paid(
    world: PaperWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, online: bool
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with HubServer({}) as hub:
        if online:
            hub.replaces_the_hub(monkeypatch)
        run = world.build(tmp_path / "out", video={"kind": "wan", "model": "some/vvan2.2"})

    assert run.returncode == 2
    assert "some/vvan2.2: no such folder here" in run.stderr
    assert world.num_requests == 0


def test_an_edit_that_changes_nothing_is_rejected_and_no_clip_is_made(
    world: PaperWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gemini_server, "edited", lambda source, _prompt: source)
    out = tmp_path / "out"
    run = world.build(out, categories=["scene_style"], max_attempts=1)

    assert run.returncode == 0, run.stderr
    assert manifest.read(out / "manifest.json").counts.rejected == {"image_unchanged": 1}
    assert not (out / "store/records/clips").exists()
    assert_books_equal_bills(world, out)


def test_the_best_of_several_candidates_is_kept_with_its_seed(world: PaperWorld, tmp_path: Path) -> None:
    out = tmp_path / "out"
    video = {"kind": "wan", "model": str(world.wan), "steps": 1, "candidates": 3}
    run = world.build(out, categories=["view"], video=video)

    assert run.returncode == 0, run.stderr
    (row,) = read_rows(sorted((out / "data").glob("*.parquet")), columns=["seed", "synchrony"])
    records = [json.loads(path.read_text()) for path in (out / "store/records/clips").rglob("*.json")]
    assert [record["seed"] for record in records] == [row["seed"]]


def test_clips_are_paced_while_they_are_made(world: PaperWorld, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pacing = {"backbone": "hog", "passes": 1}
    video = {"kind": "wan", "model": str(world.wan), "steps": 1, "pacing": pacing}
    run = world.build(out, categories=["view"], video=video)

    assert run.returncode == 0, run.stderr
    (record,) = [json.loads(path.read_text()) for path in (out / "store/records/clips").rglob("*.json")]
    deviations = record["pair"]["pace_deviations"]
    assert len(deviations) == 2
    assert deviations[record["pair"]["pass"]] == min(deviations)


def test_prompts_that_repeat_those_of_another_triplet_are_written_anew(
    world: PaperWorld, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    world.openai.misbehave("duplicate", about="oil painting")
    run = world.build(out, categories=["dynamic_attribute"], per_category=3)

    assert run.returncode == 0, run.stderr
    asked = [json.loads(request.body) for request in world.openai.requests]
    again = [body for body in asked if "nearly the same scene" in body["messages"][-1]["content"]]
    assert len(again) == 1
    rows = list(read_rows(sorted((out / "data").glob("*.parquet")), columns=["prompt_base"]))
    assert len({row["prompt_base"] for row in rows}) == 3
    assert_books_equal_bills(world, out)


def test_a_batch_gives_the_same_prompts_at_half_the_price(world: PaperWorld, tmp_path: Path) -> None:
    def prompts_and_usd(out: Path) -> tuple[set[str], float]:
        rows = read_rows(sorted((out / "data").glob("*.parquet")), columns=["prompt_base", "prompt_motion"])
        spent = calls.bills(calls.read(out / "calls.jsonl"), lambda call: call.intent.provider)
        return {" ".join(row.values()) for row in rows}, spent["openai"].paid_usd

    writer = {"kind": "openai", "base_url": world.openai.base_url}
    world.openai.batch_looks = 1
    assert world.build(tmp_path / "online", writer=writer).returncode == 0
    assert world.build(tmp_path / "batch", writer={**writer, "batch": True}).returncode == 0

    (online, price), (batch, half) = (prompts_and_usd(tmp_path / name) for name in ("online", "batch"))
    assert online == batch
    assert half == pytest.approx(price / 2)


def test_the_recipe_local_asks_no_vendor(world: PaperWorld, tmp_path: Path) -> None:
    images = {
        "kind": "diffusers",
        "model": str(save_tiny_drawer(tmp_path / "drawer")),
        "edit_model": str(save_tiny_editor(tmp_path / "editor")),
        "steps": 1,
    }
    out = tmp_path / "out"
    # Noise has no layout to keep, and another view need not keep any.
    run = world.build(out, writer={"kind": "template"}, images=images, categories=["view"])

    assert run.returncode == 0, run.stderr
    assert balance(out)["accepted"] == 1
    assert world.num_requests == 0
    assert not (out / "calls.jsonl").exists()

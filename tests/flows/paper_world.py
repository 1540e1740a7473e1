"""What a build of the recipe ``paper`` needs: both vendors as servers on this machine, and a tiny WAN."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import yaml

from flows import calls
from flows.prices import load_prices
from tests.flows.commands import simmotion_here
from tests.flows.conftest import Prefect
from tests.protocol import gemini_server, openai_server
from tests.protocol.gemini_server import GeminiServer
from tests.protocol.openai_server import OpenAIServer

# Clips of random weights are noise: what they are judged by must let them pass.
ANYTHING_GOES = {
    "min_motion": 0,
    "max_cut": 1e9,
    "min_luma": 0,
    "min_synchrony": -1,
    "max_lag_frames": 99,
    "min_motion_difference": -1,
    "min_first_frame_psnr_db": 0,
    "max_spf_jump": 1,
}


@dataclass
class PaperWorld:
    """Two vendors and a checkpoint. ``recipe`` writes a recipe that uses them, ``build`` runs it."""

    openai: OpenAIServer
    gemini: GeminiServer
    wan: Path
    prefect: Prefect
    folder: Path
    keys: dict[str, str] = field(
        default_factory=lambda: {"OPENAI_API_KEY": openai_server.KEY, "GEMINI_API_KEY": gemini_server.KEY}
    )

    @property
    def environment(self) -> dict[str, str]:
        unset = {name for name in os.environ if name.endswith("_API_KEY")}
        kept = {name: value for name, value in self.prefect.environment.items() if name not in unset}
        return {**kept, **self.keys}

    def recipe(self, **changes: Any) -> Path:
        """The file of a recipe of two triplets, with some of its keys replaced."""
        values: dict[str, Any] = {
            "name": "tiny-paper",
            "categories": ["scene_style", "dynamic_attribute"],
            "per_category": 1,
            "seed": 1,
            "format": {"size_px": 64, "duration_seconds": 0.5625, "fps": 16},
            "writer": {"kind": "openai", "base_url": self.openai.base_url},
            "images": {"kind": "gemini", "base_url": self.gemini.url},
            "video": {"kind": "wan", "model": str(self.wan), "steps": 1},
            "thresholds": ANYTHING_GOES,
            "max_attempts": 3,
            **changes,
        }
        path = self.folder / "recipe.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return path

    def build(self, out: Path, *arguments: object, **changes: Any) -> CompletedProcess[str]:
        recipe = self.recipe(**changes)
        return simmotion_here(
            "build", "--recipe", recipe, "--out", out, *arguments, environment=self.environment
        )

    @property
    def billed_usd(self) -> float:
        """What both vendors charge, by list prices."""
        prices = load_prices(None, datetime.now(UTC).date())
        by_provider = {"openai": self.openai.billed, "google": self.gemini.billed}
        return sum(
            prices.usd(provider, bill.model, bill.usage, bill.discount)
            for provider, bills in by_provider.items()
            for bill in bills
        )

    @property
    def num_requests(self) -> int:
        return len(self.openai.requests) + len(self.gemini.requests)

    def billed_ids(self) -> Counter[str]:
        return Counter(bill.response_id for bill in (*self.openai.billed, *self.gemini.billed))


def paid_ids(out: Path) -> Counter[str]:
    """Response ids of the calls that the books say were paid, each once however often it was booked."""
    rows = (call.outcome for call in calls.read(out / "calls.jsonl"))
    return Counter(row.response_id for row in rows if row and row.kind == "paid" and row.usd > 0)


@contextmanager
def paper_world(wan: Path, prefect: Prefect, folder: Path) -> Iterator[PaperWorld]:
    with OpenAIServer() as openai, GeminiServer() as gemini:
        yield PaperWorld(openai, gemini, wan, prefect, folder)

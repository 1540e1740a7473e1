"""Twenty deaths and more while money is spent: the books say what the vendors bill, and nothing is lost."""

import random
import subprocess
import sys
from pathlib import Path

from data import manifest
from flows import calls
from tests.flows.conftest import Prefect
from tests.flows.paper_world import paid_ids, paper_world

DEATHS = 24


def test_the_books_equal_the_bills_after_any_number_of_deaths(
    tiny_wan_folder: Path, prefect: Prefect, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    draw = random.Random(5)
    moments = ",".join(str(draw.randint(1, 16)) for _ in range(DEATHS))
    with paper_world(tiny_wan_folder, prefect, tmp_path) as world:
        command = [sys.executable, "-m", "tests.flows.killed_paper_build", moments, "build"]
        arguments = ["--recipe", str(world.recipe()), "--out", str(out)]
        run = subprocess.run(
            [*command, *arguments],
            env={**world.environment, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=280,
        )
        ends = [line for line in run.stdout.splitlines() if line.startswith("ends")]
        assert ends == ["ends" + " -9" * DEATHS + " 0"], run.stderr[-2000:]

        counts = manifest.read(out / "manifest.json").counts
        assert dict(counts.parts) == {"accepted": 2, "rejected": 0, "failed": 0, "pending": 0}
        booked = calls.read(out / "calls.jsonl")
        sent = {call.intent.idempotency_id for call in booked}
        billed = (*world.openai.billed, *world.gemini.billed)
        assert {bill.idempotency_key for bill in billed} <= sent, "a bill for a call that nobody intended"

        # OpenAI knows an id again, so a death costs nothing there. Gemini bills a call again whose answer
        # died on its way: each such bill is in the books as one that may have been paid.
        bills, paid = world.billed_ids(), paid_ids(out)
        assert paid <= bills
        unpaid = bills - paid
        assert set(unpaid) <= {bill.response_id for bill in world.gemini.billed}
        unknown = [call for call in booked if call.outcome is None or call.outcome.kind == "lost"]
        assert unpaid.total() <= len([call for call in unknown if call.intent.provider == "google"])
        total = calls.bill(booked)
        assert total.paid_usd <= world.billed_usd <= total.paid_usd + total.possibly_usd + 1e-9

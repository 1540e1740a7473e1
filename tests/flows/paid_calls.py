"""A clock that is only told the time, and a vendor that bills, for tests of paid calls."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from data.errors import AnswerLost, BackendUnavailable, SampleRejected, SimMotionError, Throttled
from data.paid import Call, Reply, Usage

EXPECTED = Usage(input=1_000_000)
ACTUAL = Usage(input=900_000, output=10_000)


class FakeClock:
    """Nobody waits: time passes at once. Waiting for another thread is real."""

    def __init__(self) -> None:
        self.time = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.time

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        if seconds is None:
            assert changed.wait(timeout=30), "waited for a thread that never came"
            return
        assert seconds > 0
        with self._lock:
            self.time += seconds


@dataclass
class Vendor:
    """Answers calls as ``script`` says, one word each, then with "ok"; every carried out call is billed.

    With ``honours_ids`` the same idempotency id is carried out and billed once.
    """

    script: list[str] = field(default_factory=list)
    honours_ids: bool = False
    billed: Counter[str] = field(default_factory=Counter)  # by response id
    ids: list[str] = field(default_factory=list)
    _answers: dict[str, Reply] = field(default_factory=dict)

    def send(self, call: Call) -> Callable[[str], Reply]:
        return lambda idempotency_id: self.answer(call, idempotency_id)

    def answer(self, call: Call, idempotency_id: str) -> Reply:
        self.ids.append(idempotency_id)
        word = self.script.pop(0) if self.script else "ok"
        if word not in ("ok", "lost_after"):
            raise error_of(word)
        reply = self._carried_out(call, idempotency_id)
        if word == "lost_after":
            raise AnswerLost("the line broke after the call")
        return reply

    def _carried_out(self, call: Call, idempotency_id: str) -> Reply:
        if self.honours_ids and idempotency_id in self._answers:
            return self._answers[idempotency_id]
        response_id = f"response-{len(self.billed)}"
        self.billed[response_id] += 1
        reply = Reply(f"answer to {call.key}".encode(), ACTUAL, response_id)
        self._answers[idempotency_id] = reply
        return reply


def error_of(word: str) -> SimMotionError:
    return {
        "throttled": Throttled("429"),
        "rest": Throttled("429", retry_after_seconds=20.0),
        "away": BackendUnavailable("503"),
        "lost_before": AnswerLost("the line broke before the call"),
        "rejected": SampleRejected("image_safety", "refused"),
    }[word]


def paid_call(key: str, provider: str = "openai", purpose: str = "write", item: str = "view_0000") -> Call:
    model = {"openai": "gpt-4.1", "google": "gemini-2.5-flash-image"}[provider]
    return Call(provider, model, purpose, item, key, EXPECTED)

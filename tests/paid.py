"""A gateway without books, budget or retries, for tests of what asks through one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from data.errors import BackendUnavailable, SampleRejected
from data.paid import Answer, Call, Reply, Send, SendTogether


@dataclass
class PlainGateway:
    """Sends every call once, keeps the replies by key, and remembers which calls it saw."""

    calls: list[Call] = field(default_factory=list)
    replies: dict[str, Reply] = field(default_factory=dict)

    def ask(self, call: Call, send: Send) -> Reply:
        self.calls.append(call)
        if call.key not in self.replies:
            self.replies[call.key] = send(f"test-{len(self.calls)}")
        return self.replies[call.key]

    def ask_together(self, calls: Sequence[Call], send: SendTogether, *, discount: float) -> list[Answer]:
        self.calls.extend(calls)
        missing = [call for call in calls if call.key not in self.replies]
        answers: dict[str, Answer] = dict(self.replies)
        for call, answer in zip(missing, send(missing) if missing else (), strict=True):
            answers[call.key] = answer
            if not isinstance(answer, (SampleRejected, BackendUnavailable)):
                self.replies[call.key] = answer
        return [answers[call.key] for call in calls]

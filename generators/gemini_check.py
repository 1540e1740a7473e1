"""Whether first frames from Gemini would work: its key, its server and its model, asked at no cost.

It makes no picture.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from data.errors import ContractError, SimMotionError
from data.finding import Finding
from data.paid import Answer, Call, Reply, Send, SendTogether
from generators.config import GeminiConfig
from generators.gemini import KEY_VARIABLES, GeminiImages


def check(config: GeminiConfig) -> Iterator[Finding]:
    """The key, and then whether the server behind it has the model. Raises nothing."""
    found = [variable for variable in KEY_VARIABLES if os.environ.get(variable, "").strip()]
    names = " or ".join(KEY_VARIABLES)
    yield Finding(
        "Gemini key",
        bool(found),
        f"{found[0]} is set" if found else f"{names} is not set",
        "" if found else f"export {KEY_VARIABLES[0]}=… with a key from https://aistudio.google.com/api-keys",
    )
    if found:
        yield _model(config)


def _model(config: GeminiConfig) -> Finding:
    backend = GeminiImages(config, _NothingIsPaid())
    try:
        backend.open()
        backend.check()
    except SimMotionError as error:
        return Finding("Gemini model", False, str(error))
    return Finding("Gemini model", True, f"{config.base_url or 'Google'} answers and has {config.model}")


class _NothingIsPaid:
    """A gateway for a backend that is only asked whether it is there."""

    def ask(self, call: Call, send: Send) -> Reply:
        raise ContractError(f"a check-up tried to pay for {call.purpose}")

    def ask_together(self, calls: Sequence[Call], send: SendTogether, *, discount: float) -> list[Answer]:
        raise ContractError(f"a check-up tried to pay for {len(calls)} calls")

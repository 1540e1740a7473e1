"""Whether the prompt writer ``openai`` would work: its key, its server and its model, asked at no cost.

It writes no prompt.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator

from data.errors import SimMotionError
from data.finding import Finding
from prompts.config import OpenAIConfig
from prompts.openai_client import OpenAIClient
from prompts.openai_errors import KEY_VARIABLE

TIMEOUT_SECONDS = 15.0


def check(config: OpenAIConfig) -> Iterator[Finding]:
    """The key, and then whether the server behind it has the model. Raises nothing."""
    key_is_set = bool(os.environ.get(KEY_VARIABLE, "").strip())
    own_server = config.base_url is not None
    yield Finding(
        "OpenAI key",
        key_is_set or own_server,
        f"{KEY_VARIABLE} is {'set' if key_is_set else 'not set'}"
        + (f"; {config.base_url} may need none" if own_server and not key_is_set else ""),
        "" if key_is_set or own_server else f"export {KEY_VARIABLE}=… with a key from your OpenAI account",
    )
    if key_is_set or own_server:
        yield _model(config)


def _model(config: OpenAIConfig) -> Finding:
    name = "OpenAI model"
    try:
        client = OpenAIClient(config.model, config.base_url, TIMEOUT_SECONDS)
        with client.errors():
            known = sorted(model.id for model in client.sdk.models.list())
    except SimMotionError as error:
        return Finding(name, False, str(error))
    if config.model in known:
        return Finding(name, True, f"{client.server} answers and has {config.model}")
    near = difflib.get_close_matches(config.model, known, n=3, cutoff=0.3) or known[:3]
    return Finding(
        name,
        False,
        f"{client.server} answers, and has no {config.model!r} among {len(known)} models",
        f"set writer.model to one that it has, such as {', '.join(near)}" if near else "load a model there",
    )

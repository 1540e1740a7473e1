"""The wire to OpenAI, or to a server that speaks its protocol: one try a call, errors in our classes.

Knows no prompt and keeps no books: retries, rates and money are the gateway's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import openai

from data.errors import AnswerLost, ConfigError
from data.paid import Reply
from data.trickle import whole_in_time
from prompts.openai_answers import reply_of
from prompts.openai_errors import KEY_VARIABLE, translated
from prompts.openai_questions import Payload

OPENAI_URL = "https://api.openai.com/v1"


class OpenAIClient:
    """One connection pool and one key, safe for threads.

    ``base_url`` ends where the paths of the protocol begin, mostly in ``/v1``; that of Azure in
    ``/openai/v1/``, where its key is taken like any other.  A server may stay silent for
    ``timeout_seconds``, and trickle for five times as long.  Raises ``ConfigError`` when
    ``OPENAI_API_KEY`` is needed and missing; servers of one's own mostly need none.
    """

    def __init__(self, model: str, base_url: str | None, timeout_seconds: float) -> None:
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not key and base_url is None:
            raise ConfigError(
                f"{KEY_VARIABLE} is not set: export it with a key from your OpenAI account, "
                "or name a server of your own in the recipe's writer.base_url"
            )
        self.model = model
        # Without the user and password that a URL may carry: it goes into messages.
        self.server = urlsplit(base_url or OPENAI_URL).netloc.rpartition("@")[2]
        self._sdk = openai.OpenAI(
            api_key=key or "-",
            base_url=base_url or OPENAI_URL,
            timeout=timeout_seconds,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(event_hooks=whole_in_time(timeout_seconds)),
        )

    def complete(self, payload: Payload, idempotency_id: str) -> Reply:
        """The server's answer to a chat completion, refusals included; raises what ``Gateway.ask`` lists."""
        with self.errors():
            response = self._sdk.chat.completions.with_raw_response.create(
                **payload, extra_headers={"Idempotency-Key": idempotency_id}
            )
            content: bytes = response.http_response.content
        return reply_of(content)

    def file(self, file_id: str) -> bytes:
        """The content of a file at the vendor's, empty when it was deleted or is too old."""
        with self.errors():
            try:
                return self._sdk.files.content(file_id).content
            except openai.NotFoundError:
                return b""

    @property
    def sdk(self) -> openai.OpenAI:
        """For uploads and batches. Use it inside ``errors``."""
        return self._sdk

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns what the SDK raises in its block into our errors."""
        try:
            yield
        except openai.APIError as error:
            # `from None`: the SDK's errors carry the request, and so the key, into every traceback.
            raise translated(error, self.model, self.server) from None
        except json.JSONDecodeError as error:
            # The SDK lets it through when the answer about a file or a batch is cut short.
            raise AnswerLost(f"{self.server} sent an answer that is no whole JSON ({error})") from None

"""Chat completions at half price: as files of requests that OpenAI answers within a day.

Knows batches and how to find those of a run that was killed, but nothing of what is asked.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from data.errors import AnswerLost, BackendUnavailable, ConfigError, SampleRejected
from data.paid import Answer
from prompts.openai_answers import reply_of
from prompts.openai_client import OpenAIClient
from prompts.openai_errors import status_error
from prompts.openai_questions import Payload

if TYPE_CHECKING:
    from openai.types import Batch

ENDPOINT: Final = "/v1/chat/completions"
# The vendor keeps 16 metadata pairs of 512 characters with a batch: one says that it is ours, the others
# name its requests by the first characters of their keys, so that a later run knows what was asked.
_MARK = {"made_by": "simmotion"}
_NAME_CHARACTERS = 10
_NAMES_PER_PAIR = 512 // _NAME_CHARACTERS
MAX_LINES = 15 * _NAMES_PER_PAIR

# Polls that may fail in a row before the batch is left to the next run.
MAX_SILENT_POLLS = 20
_ENDED = {"completed", "failed", "expired", "cancelled"}
_TRY_LATER = {"token_limit_exceeded", "rate_limit_exceeded"}

Line = Mapping[str, Any]

_log = logging.getLogger(__name__)


def answers_in_batch(
    client: OpenAIClient, questions: Sequence[tuple[str, Payload]], poll_seconds: float
) -> Iterator[Answer]:
    """The answers to ``questions`` (key and request body) in their order.

    Requests that batches of earlier runs hold, running or ended, are not sent again.  Raises
    ``ConfigError`` when the vendor takes no batch of these requests, ``BackendUnavailable`` when it
    cannot be reached; then the batches go on, and the next run finds them.
    """
    payloads = dict(questions)
    answers: dict[str, Answer] = {}
    running = _adopt(client, payloads.keys(), answers)
    adopted = {key for keys in running.values() for key in keys}
    fresh = [key for key in payloads if key not in answers and key not in adopted]
    for start in range(0, len(fresh), MAX_LINES):
        keys = fresh[start : start + MAX_LINES]
        running[_create(client, {key: payloads[key] for key in keys})] = keys
    for batch_id, keys in running.items():
        answers |= _awaited(client, batch_id, keys, poll_seconds)
    return (answers[key] for key, _ in questions)


def _adopt(client: OpenAIClient, keys: Iterable[str], answers: dict[str, Answer]) -> dict[str, list[str]]:
    """Puts what ended batches of ours answered into ``answers``; returns the running ones with their keys."""
    running: dict[str, list[str]] = {}
    wanted = {key[:_NAME_CHARACTERS]: key for key in keys}
    with client.errors():
        batches = [batch for batch in client.sdk.batches.list(limit=100) if _is_ours(batch)]
    for batch in batches:
        held = [wanted[name] for name in _names(batch) if name in wanted]
        held = [key for key in held if key not in answers]
        if not held:
            continue
        if batch.status not in _ENDED:
            running[batch.id] = held
            wanted = {name: key for name, key in wanted.items() if key not in held}
        else:
            # Only what was paid for: errors may be mended by now, so those requests are sent anew.
            lines = _lines(client, batch)
            answers |= {key: _answer(client, lines[key]) for key in held if _is_paid(lines.get(key))}
    if running or answers:
        _log.info("found %d answers and %d running batches of an earlier run", len(answers), len(running))
    return running


def _create(client: OpenAIClient, payloads: Mapping[str, Payload]) -> str:
    lines = [
        json.dumps({"custom_id": key, "method": "POST", "url": ENDPOINT, "body": payload})
        for key, payload in payloads.items()
    ]
    names = [key[:_NAME_CHARACTERS] for key in payloads]
    pairs = {
        f"requests_{start // _NAMES_PER_PAIR:02}": "".join(names[start : start + _NAMES_PER_PAIR])
        for start in range(0, len(names), _NAMES_PER_PAIR)
    }
    with client.errors():
        file = client.sdk.files.create(file=("simmotion.jsonl", "\n".join(lines).encode()), purpose="batch")
        batch = client.sdk.batches.create(
            input_file_id=file.id, endpoint=ENDPOINT, completion_window="24h", metadata=_MARK | pairs
        )
    _log.info("batch %s: %d requests handed in, answered within a day", batch.id, len(lines))
    return batch.id


def _awaited(
    client: OpenAIClient, batch_id: str, keys: Sequence[str], poll_seconds: float
) -> dict[str, Answer]:
    """The answers to ``keys`` once the batch has ended."""
    batch = _ended(client, batch_id, poll_seconds)
    if batch.status == "failed":
        raise _failure(batch)
    lines = _lines(client, batch)
    # A batch that was completed holds every answer: what is not in its files was lost on the way.
    absent = AnswerLost if batch.status == "completed" else BackendUnavailable
    missing = absent(f"batch {batch_id} ended as {batch.status} without this answer: run again")
    return {key: _answer(client, lines[key]) if key in lines else missing for key in keys}


def _ended(client: OpenAIClient, batch_id: str, poll_seconds: float) -> Batch:
    silent = 0
    while True:
        try:
            with client.errors():
                batch = client.sdk.batches.retrieve(batch_id)
        except BackendUnavailable as error:
            # Not a retry: the next look comes anyway.
            silent += 1
            if silent == MAX_SILENT_POLLS:
                raise
            _log.warning("batch %s: no news (%s)", batch_id, error)
        else:
            silent = 0
            counts = batch.request_counts
            done, total = (counts.completed + counts.failed, counts.total) if counts else (0, 0)
            _log.info("batch %s: %s, %d of %d answered", batch_id, batch.status, done, total)
            if batch.status in _ENDED:
                return batch
        time.sleep(poll_seconds)


def _lines(client: OpenAIClient, batch: Batch) -> dict[str, Line]:
    """What the two files of an ended batch say, by key; nothing of a file that was deleted."""
    found: dict[str, Line] = {}
    for file_id in (batch.error_file_id, batch.output_file_id):
        if file_id is None:
            continue
        try:
            content = client.file(file_id)
            # Bytes, since lines of text also end at signs that may stand inside a JSON string.
            lines = [json.loads(line) for line in content.split(b"\n") if line.strip()]
            found |= {line["custom_id"]: line for line in lines}
        except (ValueError, LookupError, TypeError):
            raise AnswerLost(f"file {file_id} of batch {batch.id} is cut short: run again") from None
    return found


def _answer(client: OpenAIClient, line: Line) -> Answer:
    """A reply, or an error of this request alone; ``ConfigError`` for one that all others will meet."""
    response = line.get("response") or {}
    status = response.get("status_code")
    body = response.get("body") or {}
    if status == 200:
        return reply_of(json.dumps(body).encode())
    error = line.get("error") or body.get("error") or {}
    if not status:
        # Expired, cancelled, or never carried out.
        return BackendUnavailable(
            f"{error.get('message') or 'the batch ended before this request'}: run again"
        )
    typed = status_error(status, error, {}, client.model, client.server)
    if isinstance(typed, (SampleRejected, BackendUnavailable)):
        return typed
    raise typed


def _is_paid(line: Line | None) -> bool:
    return ((line or {}).get("response") or {}).get("status_code") == 200


def _is_ours(batch: Batch) -> bool:
    return _MARK.items() <= (batch.metadata or {}).items()


def _names(batch: Batch) -> Iterator[str]:
    for pair, names in (batch.metadata or {}).items():
        if pair.startswith("requests_"):
            yield from (
                names[start : start + _NAME_CHARACTERS] for start in range(0, len(names), _NAME_CHARACTERS)
            )


def _failure(batch: Batch) -> ConfigError | BackendUnavailable:
    """Why no request of the batch was carried out."""
    errors = (batch.errors and batch.errors.data) or []
    told = "; ".join(f"{error.code}: {error.message}" for error in errors) or "no reason given"
    if any(error.code in _TRY_LATER for error in errors):
        return BackendUnavailable(f"batch {batch.id} was put off ({told}): wait for others to end, run again")
    return ConfigError(f"batch {batch.id} was not taken ({told}): mend that, or set batch: false")

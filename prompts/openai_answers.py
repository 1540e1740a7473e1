"""What a chat model sent back: how it is told apart from half an answer, what it billed and what it says.

Knows neither the question nor what follows from the answer.
"""

from __future__ import annotations

import json
from typing import Any

from data.errors import AnswerLost, SampleRejected
from data.paid import Reply, Usage


def reply_of(content: bytes) -> Reply:
    """The chat completion in ``content`` as a reply. ``AnswerLost`` when it is not a whole one."""
    try:
        body = json.loads(content)
        choices, response_id = body["choices"], body["id"]
    except (ValueError, LookupError, TypeError):
        raise AnswerLost(
            f"{len(content)} bytes came that are no whole chat completion; "
            "if that goes on, check that base_url is where the server's chat API begins"
        ) from None
    if not isinstance(choices, list):
        raise AnswerLost(f"the answer {response_id} has no list of choices")
    return Reply(body=content, usage=_usage(body.get("usage") or {}), response_id=str(response_id))


def text_of(reply: Reply) -> str:
    """What the model wrote, blank if nothing; ``SampleRejected`` when it refused or was cut short."""
    choices = json.loads(reply.body)["choices"]
    if not choices:
        return ""
    message: dict[str, Any] = choices[0].get("message") or {}
    if message.get("refusal"):
        raise SampleRejected("prompt_refused", f"the model refused: {message['refusal']}", "rewrite")
    match choices[0].get("finish_reason"):
        case "content_filter":
            raise SampleRejected(
                "prompt_refused", "the vendor's content filter held the text back", "rewrite"
            )
        case "length":
            raise SampleRejected(
                "prompt_cut_short",
                "the text grew too long and was cut off; if that goes on, the model cannot keep to a schema",
                "rewrite",
            )
    return str(message.get("content") or "")


def _usage(counted: dict[str, Any]) -> Usage:
    """A server that counts nothing, as some local ones, bills nothing."""
    return Usage(
        input=int(counted.get("prompt_tokens") or 0),
        cached_input=int((counted.get("prompt_tokens_details") or {}).get("cached_tokens") or 0),
        output=int(counted.get("completion_tokens") or 0),
    )

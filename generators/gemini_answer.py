"""What Gemini answers: the picture in it, what it billed, and what becomes of an answer without one.

Knows the vendor's JSON (``GenerateContentResponse``), but nothing of requests or of HTTP.
"""

from __future__ import annotations

import base64
import binascii

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from data.errors import AnswerLost, ConfigError, Remedy, SampleRejected
from data.paid import Usage

# Why an answer holds no picture, as the vendor says it, and what may help. The model draws by chance, so
# that it may do better when asked again; what offends a filter is put into other words; what breaks the
# vendor's rules of use is not asked for a second time, since accounts are closed for that.
FINISH_REMEDIES: dict[str, Remedy] = {
    "NO_IMAGE": "again",
    "IMAGE_OTHER": "again",
    "OTHER": "again",
    "MAX_TOKENS": "again",
    "MALFORMED_RESPONSE": "again",
    "IMAGE_SAFETY": "rewrite",
    "IMAGE_RECITATION": "rewrite",
    "SAFETY": "rewrite",
    "RECITATION": "rewrite",
    "LANGUAGE": "rewrite",
    "IMAGE_PROHIBITED_CONTENT": "none",
    "PROHIBITED_CONTENT": "none",
    "BLOCKLIST": "none",
    "SPII": "none",
    "MODEL_ARMOR": "none",
    "ESCALATION": "none",
}
# Why a prompt was turned away unanswered: a filter without chance in it, so never simply again.
BLOCK_REMEDIES: dict[str, Remedy] = {
    "SAFETY": "rewrite",
    "IMAGE_SAFETY": "rewrite",
    "OTHER": "rewrite",
    "BLOCKED_REASON_UNSPECIFIED": "rewrite",
    "BLOCKLIST": "none",
    "PROHIBITED_CONTENT": "none",
    "MODEL_ARMOR": "none",
    "JAILBREAK": "none",
}
_ACCOUNT_LIMITED = "PUP_LIMITED_DISABLED"
_PLAIN_ALPHABET = str.maketrans("-_", "+/")


class _Wire(BaseModel):
    """Names as the vendor spells them; fields that we do not read may come and go."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class InlineData(_Wire):
    mime_type: str = ""
    data: str = ""


class Part(_Wire):
    """``thought`` marks sketches on the way to the picture, which thinking models send along."""

    text: str | None = None
    inline_data: InlineData | None = None
    thought: bool = False


class Content(_Wire):
    parts: tuple[Part, ...] = ()


class Candidate(_Wire):
    content: Content = Content()
    finish_reason: str = "FINISH_REASON_UNSPECIFIED"


class PromptFeedback(_Wire):
    block_reason: str | None = None


class ModalityTokens(_Wire):
    modality: str = ""
    token_count: int = 0


class UsageMetadata(_Wire):
    prompt_token_count: int = 0
    cached_content_token_count: int = 0
    candidates_token_count: int = 0
    candidates_tokens_details: tuple[ModalityTokens, ...] | None = None
    thoughts_token_count: int = 0


class Answer(_Wire):
    """One answer of the service, as far as we read it."""

    candidates: tuple[Candidate, ...] = ()
    prompt_feedback: PromptFeedback = PromptFeedback()
    usage_metadata: UsageMetadata | None = None
    response_id: str = ""

    @property
    def picture(self) -> InlineData | None:
        """The last picture that is not a sketch, if there is one."""
        parts = [part for candidate in self.candidates for part in candidate.content.parts]
        drawn = [part.inline_data for part in parts if part.inline_data is not None and not part.thought]
        return drawn[-1] if drawn else None


def read_answer(body: bytes) -> Answer:
    """The answer in ``body``. Raises ``AnswerLost`` when it is none: it was made, but did not arrive."""
    try:
        return Answer.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the whole"
        raise AnswerLost(
            f"Gemini answered {len(body)} bytes that are no GenerateContentResponse: {where}: {first['msg']}"
        ) from None


def usage_of(answer: Answer, expected: Usage) -> Usage:
    """What the answer says it took; ``expected`` when a server in Gemini's place counts nothing."""
    counted = answer.usage_metadata
    if counted is None:
        return expected
    if counted.candidates_tokens_details is None:
        # Undivided tokens beside a picture are its own: it is nearly all of them, and the dearer kind.
        image = counted.candidates_token_count if answer.picture else 0
    else:
        image = sum(
            part.token_count for part in counted.candidates_tokens_details if part.modality == "IMAGE"
        )
    return Usage(
        input=counted.prompt_token_count,
        cached_input=counted.cached_content_token_count,
        output=max(0, counted.candidates_token_count - image) + counted.thoughts_token_count,
        image_output=image,
    )


def picture_file(answer: Answer, item: str) -> bytes:
    """The file of the picture in ``answer``.

    Raises ``SampleRejected`` with the vendor's own word in small letters (``image_safety``; ``prompt_…``
    for a prompt turned away), ``text_without_image``, ``empty_answer`` or ``image_unreadable``, and
    ``ConfigError`` when the account is barred.  ``item`` names the triplet in messages.
    """
    if answer.picture is not None:
        return _decoded(answer.picture, item)
    blocked = answer.prompt_feedback.block_reason
    if blocked is not None:
        raise SampleRejected(
            f"prompt_{blocked.lower()}",
            f"Gemini turned the prompt of {item} away ({blocked})",
            BLOCK_REMEDIES.get(blocked, "rewrite"),
        )
    if not answer.candidates:
        raise SampleRejected("empty_answer", f"Gemini answered for {item} without a candidate or a reason")
    reason = answer.candidates[0].finish_reason
    said = " ".join(part.text for part in answer.candidates[0].content.parts if part.text)[:200]
    if reason == _ACCOUNT_LIMITED:
        raise ConfigError(
            f"Gemini stopped at {item}: this account is limited for breaches of the prohibited use policy; "
            "see its messages in Google AI Studio, or use another key"
        )
    if reason == "STOP":
        raise SampleRejected("text_without_image", f"Gemini drew nothing for {item}, but said: {said!r}")
    raise SampleRejected(
        reason.lower(),
        f"Gemini drew nothing for {item} ({reason}{f': {said!r}' if said else ''})",
        FINISH_REMEDIES.get(reason, "again"),
    )


def _decoded(picture: InlineData, item: str) -> bytes:
    # Servers in Gemini's place may write the alphabet of addresses, as Google's own SDK does when it asks.
    plain = picture.data.translate(_PLAIN_ALPHABET)
    try:
        return base64.b64decode(plain, validate=True)
    except binascii.Error as error:
        raise SampleRejected(
            "image_unreadable",
            f"the picture for {item} came as {len(picture.data)} characters that are not base64: {error}",
        ) from error

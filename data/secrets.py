"""What no message may show: the keys and passwords that the environment holds for us.

Knows the names of the variables, and nothing of who asks for them.
"""

from __future__ import annotations

import os
from urllib.parse import quote

VARIABLES = (
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "PEXELS_API_KEY",
    "LABEL_STUDIO_TOKEN",
    "HF_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
HIDDEN = "…"
_SHORTEST = 8  # what is shorter protects nothing, and would be found inside innocent words


def without_secrets(text: str) -> str:
    """``text`` with each of these secrets, as it is or as it stands in an address, replaced by ``HIDDEN``.

    For what others wrote: services repeat keys in their errors, and libraries print requests.  A text that
    is to be cut short goes through here first, for half a key is not found any more.
    """
    for variable in VARIABLES:
        secret = os.environ.get(variable, "").strip()
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, HIDDEN).replace(quote(secret, safe=""), HIDDEN)
    return text

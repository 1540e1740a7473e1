"""Numbers out of names: the only source of chance in planning. Knows nothing of what they decide."""

from __future__ import annotations

import hashlib


def derive_seed(*names: object) -> int:
    """A number 0 ≤ n < 2**63 that depends on the text of ``names`` alone.

    The same on every machine and Python version, which ``hash`` is not.
    """
    digest = hashlib.sha256("\x1f".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1

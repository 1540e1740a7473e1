"""The one compiler setting of all drawing kernels, with a cache that notices every edit.

Knows nothing of pictures.  numba's own cache looks only at the file of the kernel that is called: an
edit in a module that this kernel calls into would go unnoticed and old machine code would keep
drawing.  Here the stamp covers every file of this folder that holds kernels.

Kernels release the GIL and use one thread each: callers draw several clips in several threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from numba import njit

# Without reference counts (``_nrt``) kernels may not make arrays, and run three times as fast: numba
# otherwise counts a reference at every touch of an array inside a record.
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}

Function = TypeVar("Function", bound=Callable[..., Any])


@cache
def _sources_stamp() -> str:
    sources = (path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256(b"".join(text for text in sources if b"@kernel" in text)).hexdigest()


def kernel(function: Function) -> Function:
    """Compile ``function`` when it is first called, once per machine.

    The cache lies beside the source, or in the user's cache folder where that is read-only.
    """
    compiled: Any = njit(function, **_OPTIONS)
    compiled._cache._cache_file._source_stamp = _sources_stamp()
    return compiled  # type: ignore[no-any-return]

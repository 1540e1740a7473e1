"""``simmotion`` that stops (SIGSTOP) in the middle of its first clip, as a machine that hangs.

``python -m tests.flows.stopped_build ARGUMENTS…``
"""

import os
import signal
import sys
from typing import Any

from data.video import encode
from flows import filming
from flows.cli import main


def _stopping(*arguments: Any, **options: Any) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    encode(*arguments, **options)


if __name__ == "__main__":
    filming.encode = _stopping  # type: ignore[attr-defined]
    sys.argv = ["simmotion", *sys.argv[1:]]
    main()

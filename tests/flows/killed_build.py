"""``simmotion`` that kills itself with SIGKILL at a named moment: the worst a power cut can do.

``python -m tests.flows.killed_build MOMENT COUNT ARGUMENTS…`` dies the COUNT-th time that it comes to
the moment.  Nothing of the product knows of this; the moments are patched in from outside.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from data import card, manifest
from data.schema import Clip
from data.store import Store
from flows import build_synthetic, filming, publish, report
from flows.cli import main


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies_before(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    calls = itertools.count(1)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        if next(calls) == count:
            _die()
        return function(*arguments, **options)

    return wrapped


def _dies_in_the_middle_of_encoding(count: int) -> Callable[..., None]:
    encode, calls = filming.encode, itertools.count(1)

    def wrapped(clip: Clip, path: Path, **options: Any) -> None:
        encode(clip, path, **options)
        if next(calls) == count:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            _die()

    return wrapped


def die_at(moment: str, count: int) -> None:
    """This process will be killed the ``count``-th time that it comes to ``moment``."""
    match moment:
        case "half a clip is encoded":
            filming.encode = _dies_in_the_middle_of_encoding(count)  # type: ignore[assignment]
        case "a record is about to be written":
            Store.publish = dies_before(Store.publish, count)  # type: ignore[method-assign]
        case "a work is about to enter the ledger":
            build_synthetic.append = dies_before(build_synthetic.append, count)  # type: ignore[assignment]
        case "a shard is half written":
            pq.ParquetWriter.close = dies_before(pq.ParquetWriter.close, count)
        case "the card is about to be written":
            card.write = dies_before(card.write, count)  # type: ignore[assignment]
        case "the manifest is about to be written":
            manifest.write = dies_before(manifest.write, count)  # type: ignore[assignment]
        case "the report is about to be written":
            publish.write_report = dies_before(report.write_report, count)  # type: ignore[assignment]
        case _:
            raise SystemExit(f"unknown moment {moment!r}")


if __name__ == "__main__":
    die_at(sys.argv[1], int(sys.argv[2]))
    sys.argv = ["simmotion", *sys.argv[3:]]
    main()

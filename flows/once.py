"""Work that is found in the store or made; where runs share the store, by one of them while others wait.

Knows nothing of what the work is.  The folder of a run's own is held by its lock, and needs no leases:
they cost about 3 ms a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from data.lease import Made, lease, run_each_once
from data.store import Store
from flows.workspace import Workspace

Record = Mapping[str, Any]


def made_once(workspace: Workspace, stage: str, key: str, make: Callable[[Store], Record]) -> Made:
    """The record of ``key``, made by ``make`` if no run that shares the store has made it or is at it.

    What ``make`` raises goes on. Raises as the store does.
    """
    store = workspace.store
    return each_made_once(workspace, stage, [key], lambda keys: ((key, make(store)) for key in keys))[key]


def each_made_once(
    workspace: Workspace,
    stage: str,
    keys: Sequence[str],
    make: Callable[[list[str]], Iterable[tuple[str, Record]]],
    *,
    batch: str = "",
) -> dict[str, Made]:
    """The records of ``keys``; ``make`` gets those that are to be made, and yields each with its key.

    Keys that it leaves out are missing from the result, too.  A ``batch`` names work that goes out as a
    whole, perhaps by the thousand: it has one lease of that name, in place of one for every key.
    """
    store = workspace.store
    if workspace.shares_store and not batch:
        return run_each_once(store, stage, keys, make)
    with lease(store, stage, batch) if workspace.shares_store else nullcontext():
        found = {key: store.find(stage, key) for key in keys}
        done = {key: Made(record, reused=True) for key, record in found.items() if record is not None}
        missing = [key for key in found if key not in done]
        for key, record in make(missing) if missing else ():
            store.publish(stage, key, record)
            # Another's, where a lost lease let it come first.
            done[key] = Made(store.find(stage, key) or dict(record), reused=False)
    return done

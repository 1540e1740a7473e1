"""What is right and what is wrong with the Label Studio that would be used.

Knows no study.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from annotation.environment import LABEL_STUDIO_VERSION, is_made
from annotation.server import SECRETS, connect, is_healthy, running
from annotation.studio import Studio
from data.errors import BackendUnavailable, ConfigError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``text`` says what it is and, unless ``good``, what to do."""

    good: bool
    text: str


def examine(home: Path, variables: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Look at the server of ``LABEL_STUDIO_URL``, else at our own; ends at what makes the rest pointless."""
    if not variables.get("LABEL_STUDIO_URL"):
        yield from _examine_own(home)
    try:
        connection = connect(home, variables)
    except ConfigError as error:
        yield Finding(False, str(error))
        return
    if not is_healthy(connection.url):
        yield Finding(
            False, f"{connection.url} does not answer as Label Studio: see that it runs and the address"
        )
        return
    yield Finding(True, f"{connection.url} is healthy")
    try:
        with Studio(connection) as studio:
            version = studio.version()
            untried = f"; this program was tested with {LABEL_STUDIO_VERSION}, expect differences"
            same = version == LABEL_STUDIO_VERSION
            yield Finding(same, f"it is Label Studio {version}{'' if same else untried}")
            yield Finding(True, f"the token lets us in as {studio.whoami()}")
            yield Finding(True, f"accounts, ours among them: {len(studio.user_ids())}; it can invite people")
    except (ConfigError, BackendUnavailable) as error:
        yield Finding(False, str(error))


def _examine_own(home: Path) -> Iterator[Finding]:
    if is_made():
        yield Finding(True, "its environment is installed")
    else:
        yield Finding(False, "its environment is not installed yet: `simmotion annotate up` does it (1 GB)")
    try:
        server = running(home)
    except ConfigError:
        return  # told again by ``connect``
    if server is not None:
        mode = (home / SECRETS).stat().st_mode & 0o777
        private = mode & 0o077 == 0
        advice = "" if private else ": others can read the password; chmod 600 it"
        yield Finding(private, f"{home / SECRETS} has mode {mode:o}{advice}")
        yield Finding(True, f"our own server runs, process {server.pid}, on {server.database}")

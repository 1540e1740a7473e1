"""Small studies on a real Label Studio."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from annotation.items import RankingItem
from annotation.previews import by_sha256
from annotation.push import Invitation, Pushed, push
from annotation.server import Server
from annotation.studio import Studio
from data.schema import Clip
from data.video import encode
from tests.annotation.people import Person

_NUMBERS = itertools.count(1)
NUM_CLIPS = 16


@pytest.fixture
def studio(server: Server) -> Iterator[Studio]:
    with Studio(server.connection) as connected:
        yield connected


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Short clips of a bar that moves, each at a speed of its own, in the order of their speeds."""
    folder = tmp_path_factory.mktemp("clips")
    for speed in range(NUM_CLIPS):
        frames = np.full((8, 48, 64, 3), 230, np.uint8)
        for number, frame in enumerate(frames):
            left = (number * (speed + 1)) % 56
            frame[:, left : left + 8] = (40, 10 * speed, 160)
        encode(Clip(frames, 8.0), folder / f"vídeo_{speed:02d}.mp4")
    return by_sha256(sorted(folder.iterdir()))


class World:
    """A study folder of one test, with people of its own."""

    def __init__(self, folder: Path, studio: Studio, clips: dict[str, Path]) -> None:
        number = next(_NUMBERS)
        self.folder, self.studio, self.clips = folder, studio, clips
        self.emails = [f"{name}-{number}@example.org" for name in ("anna", "bo")]
        names = list(clips)
        self.items = [RankingItem(f"Sprung ↗ {i}", names[i], tuple(names[i + 1 : i + 4])) for i in range(4)]

        self.people: list[Person] = []

    def log_in(self, invitation: Invitation) -> Person:
        self.people.append(Person(invitation))
        return self.people[-1]

    def push(self, **changes: object) -> Pushed:
        arguments: dict[str, object] = {
            "items": self.items,
            "clips": self.clips,
            "emails": self.emails,
            "per_item": 1,
            "repeats": 0,
        }
        return push(self.studio, self.folder, **arguments | changes)  # type: ignore[arg-type]


@pytest.fixture
def world(tmp_path: Path, studio: Studio, clips: dict[str, Path]) -> Iterator[World]:
    made = World(tmp_path / "study", studio, clips)
    yield made
    for person in made.people:
        person.browser.close()

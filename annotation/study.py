"""The memory of a study: what was asked, of whom, where it stands on the server. One file, only ever longer.

Knows no server and judges nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from annotation.items import Kind, RankingItem, Slot
from annotation.journal import append, read
from data.disk import disk_errors
from data.errors import ConfigError

FILENAME = "study.jsonl"


@dataclass(frozen=True)
class Account:
    """A person. ``annotator`` is the name that leaves the house; the rest stays in this file.

    ``password`` is the one that we made for them, None for an account that was there before us;
    ``user_id`` is None until it is made.  People may change both and their address: they are known by id.
    """

    annotator: str
    email: str
    password: str | None = field(repr=False)
    user_id: int | None = None


class Study:
    """What ``study.jsonl`` in ``folder`` says, and the only writer of it.

    Each thing is on the disk before the next is begun, so that after a crash at any point nothing is asked
    twice.  The file holds passwords: only its owner may read it.
    """

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        """Raises ``ConfigError`` for a folder without a study, unless ``create``, and for a damaged file."""
        self.folder = folder
        self._path = folder / FILENAME
        self.key = ""
        self.page = ""  # the label configuration, as every project of the study has it
        self.kind: Kind = "ranking"
        self.question = ""  # what annotators of a preference are asked
        self.media_project: int | None = None
        self.accounts: dict[str, Account] = {}
        self.projects: dict[str, int] = {}  # by annotator
        self.clip_urls: dict[str, str] = {}  # by sha256, or by the name of an example
        self.items: dict[str, RankingItem] = {}
        self.slots: dict[str, Slot] = {}
        self.owners: dict[str, str] = {}  # annotator by slot
        self.tasks: dict[str, int] = {}  # task id by slot
        if not self._path.exists():
            if not create:
                raise ConfigError(f"{folder} holds no study: make one with `simmotion annotate push`")
            with disk_errors(folder):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.note("key", {"key": secrets.token_hex(16)})
        else:
            self._read()

    def note(self, kind: str, record: dict[str, Any]) -> None:
        """Write down one thing and know it from now on."""
        append(self._path, [{kind: record}])
        self._apply(kind, record)

    def note_account(self, account: Account) -> None:
        self.note("account", asdict(account))

    def note_item(self, item: RankingItem) -> None:
        self.note("item", asdict(item))

    def note_slot(self, slot: Slot, annotator: str) -> None:
        self.note("slot", {"annotator": annotator, **asdict(slot)})

    def opaque(self, *parts: str) -> str:
        """A name of 16 hex digits that is the same every time and tells nothing without the study's key."""
        return hmac.new(bytes.fromhex(self.key), "\0".join(parts).encode(), hashlib.sha256).hexdigest()[:16]

    def marker(self, of: str) -> str:
        """What the description of a project of ours says, so that it is found again."""
        return f"simmotion {self.opaque('study')} {of}"

    def slots_of(self, annotator: str) -> list[Slot]:
        """In the order in which they are to be seen."""
        return [slot for slot_id, slot in self.slots.items() if self.owners[slot_id] == annotator]

    def _read(self) -> None:
        for number, line in enumerate(read(self._path), 1):
            try:
                ((kind, record),) = line.items()
                self._apply(kind, record)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ConfigError(
                    f"{self._path}, line {number} is damaged ({error}): put back a copy of the file"
                ) from error
        if not self.key:
            raise ConfigError(
                f"{self._path} does not begin with its key: put back a copy, or use a new folder"
            )

    def _apply(self, kind: str, record: dict[str, Any]) -> None:
        match kind:
            case "key":
                self.key = record["key"]
            case "account":
                self.accounts[record["annotator"]] = Account(**record)
            case "page":
                self.page = record["label_config"]
                self.kind = record.get("kind", "ranking")  # the first studies knew nothing else
                self.question = record.get("question", "")
                if self.kind not in get_args(Kind):
                    raise ValueError(f"asks for {self.kind!r}, which this version does not know")
            case "media":
                self.media_project = record["project"]
            case "project":
                self.projects[record["annotator"]] = record["project"]
            case "clip":
                self.clip_urls[record["clip"]] = record["url"]
            case "item":
                order = record["known_order"]
                self.items[record["item_id"]] = RankingItem(
                    record["item_id"],
                    record["reference"],
                    tuple(record["candidates"]),
                    None if order is None else tuple(order),
                )
            case "slot":
                slot_id = record["slot_id"]
                self.slots[slot_id] = Slot(
                    slot_id, record["item_id"], tuple(record["shown"]), record["repeat_of"]
                )
                self.owners[slot_id] = record["annotator"]
            case "task":
                self.tasks[record["slot"]] = record["task"]
            case _:
                raise ValueError(f"unknown kind {kind!r}")

"""What annotators see: the page on which clips are ranked, its instructions, and the data of one task.

Knows no server: addresses of clips come in, text goes out.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from annotation.items import RankingItem, Slot
from annotation.study import Study

_TEMPLATES = Path(__file__).with_name("templates")

# Names in templates/ranking.xml by which answers are found in the JSON of an annotation.
STATUS, ORDER, BUCKET, UNPLACED = "status", "order", "ranking", "_"


def label_config() -> str:
    """The label configuration, XML. Its bucket starts empty: nothing is ranked before a person does it."""
    return (_TEMPLATES / "ranking.xml").read_text("utf-8")


def same_config(one: str, other: str) -> bool:
    """Whether two label configurations are the same but for white space."""
    return "".join(one.split()) == "".join(other.split())


def instruction(example_url: str) -> str:
    """The instructions, HTML, with the picture of ``annotation.example`` at this address.

    A picture, since Label Studio takes autoplay out of a video here.
    """
    text = (_TEMPLATES / "instruction.html").read_text("utf-8")
    return text.format(example=html.escape(example_url))


def candidate_id(study: Study, slot: Slot, clip: str) -> str:
    """What a candidate is called in a task. It begins with a letter: Label Studio would sort numbers."""
    return "c" + study.opaque("candidate", slot.slot_id, clip)


def task_data(study: Study, slot: Slot, item: RankingItem) -> dict[str, Any]:
    """The data of a task. Nothing in it tells items, clips, models or gold apart."""
    candidates = [
        {"id": candidate_id(study, slot, clip), "html": _video(study.clip_urls[clip])} for clip in slot.shown
    ]
    return {
        "task_key": slot.slot_id,
        "reference_html": _video(study.clip_urls[item.reference]),
        "candidates": candidates,
    }


def clips_in(data: Any) -> tuple[str, list[tuple[str, str]]]:
    """The address of the reference, and names and addresses of candidates, in the data of a task.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is not of the shape of ``task_data``.
    """
    return _source(data["reference_html"]), [(one["id"], _source(one["html"])) for one in data["candidates"]]


def _source(text: str) -> str:
    (address,) = re.findall(r'src="([^"]*)"', text)
    return html.unescape(address)


def _video(url: str) -> str:
    return f'<video src="{html.escape(url)}" muted autoplay loop playsinline preload="auto"></video>'

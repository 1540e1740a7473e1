"""What annotators see: the page of a kind of question, its instructions, and the data of one task.

Knows no server: addresses of clips come in, text goes out.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from annotation.items import Kind, RankingItem, Slot
from annotation.study import Study

_TEMPLATES = Path(__file__).with_name("templates")


def label_config(kind: Kind) -> str:
    """The label configuration, XML. Nothing is ranked or chosen before a person does it."""
    return (_TEMPLATES / f"{kind}.xml").read_text("utf-8")


def same_config(one: str, other: str) -> bool:
    """Whether two label configurations are the same but for white space."""
    return "".join(one.split()) == "".join(other.split())


def instruction(kind: Kind, example_url: str) -> str:
    """The instructions, HTML, with the picture of ``annotation.example`` at this address.

    A picture, since Label Studio takes autoplay out of a video here.
    """
    text = (_TEMPLATES / f"{kind}.html").read_text("utf-8")
    return text.format(example=html.escape(example_url))


def candidate_id(study: Study, slot: Slot, clip: str) -> str:
    """What a candidate is called in a ranking. It begins with a letter: Label Studio would sort numbers."""
    return "c" + study.opaque("candidate", slot.slot_id, clip)


def task_data(study: Study, slot: Slot, item: RankingItem) -> dict[str, Any]:
    """The data of a task. Nothing in it tells items, clips, models, roles or gold apart."""
    videos = [_video(study.clip_urls[clip]) for clip in slot.shown]
    key = {"task_key": slot.slot_id}
    match study.kind:
        case "ranking":
            names = [candidate_id(study, slot, clip) for clip in slot.shown]
            return key | {
                "reference_html": _video(study.clip_urls[item.reference]),
                "candidates": [
                    {"id": name, "html": video} for name, video in zip(names, videos, strict=True)
                ],
            }
        case "check":
            reference = _video(study.clip_urls[item.reference])
            return key | {"reference_html": reference, "a_html": videos[0], "b_html": videos[1]}
        case "preference":
            source = [("Source", _video(study.clip_urls[item.reference]))] if item.reference else []
            columns = [*source, ("Clip A", videos[0]), ("Clip B", videos[1])]
            return key | {
                "question": study.question,
                "clips_html": f'<div class="sm">{"".join(map(_column, columns))}</div>',
            }


def visible(value: Any) -> Any:
    """What of a task's data a person sees: texts, and of videos the addresses.

    Label Studio may rewrite the rest; two tasks with the same visible content ask the same.
    """
    match value:
        case str():
            return [html.unescape(address) for address in re.findall(r'src="([^"]*)"', value)] or value
        case list():
            return [visible(one) for one in value]
        case dict():
            return {name: visible(one) for name, one in value.items()}
        case _:
            return value


def _column(titled: tuple[str, str]) -> str:
    title, video = titled
    return f'<div class="sm-clip"><h4>{title}</h4>{video}</div>'


def _video(url: str) -> str:
    return f'<video src="{html.escape(url)}" muted autoplay loop playsinline preload="auto"></video>'

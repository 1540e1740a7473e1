"""Draws contact sheets of triplets: rows are clips, columns are instants, to be looked at by a person.

    python -m tests.benchmarks.contact_sheet --out sheet.png --triplet subject=dog,motion=run,negative=bow
    python -m tests.benchmarks.contact_sheet --out sheet.png --motions-of bird

A triplet is named by its factors; whatever is left out has a default, and ``positive=VALUE`` is what the
positive has instead of the reference's value of the factor that the category changes.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from data.schema import Category, ClipFormat, Factors, Frames, Plan, Prompts, Role
from generators.procedural.bodies import SUBJECTS
from generators.procedural.render import render_frame
from generators.procedural.stage import stage

CHANGED = {
    Category.STATIC_OBJECT: "scenery",
    Category.DYNAMIC_OBJECT: "subject",
    Category.DYNAMIC_ATTRIBUTE: "appearance",
    Category.SCENE_STYLE: "style",
    Category.VIEW: "camera",
}
DEFAULTS = {
    "category": "view",
    "subject": "person",
    "motion": "walk",
    "setting": "meadow",
    "scenery": "rocks",
    "appearance": "crimson_plain",
    "style": "shaded",
    "camera": "three_quarter_left",
    "negative": "",
    "positive": "",
    "seed": "0",
}


def plan_of(words: str) -> Plan:
    """The plan that ``key=value,key=value`` spells, over the defaults."""
    given = dict(pair.split("=", 1) for pair in words.split(",") if pair)
    if unknown := given.keys() - DEFAULTS.keys():
        raise SystemExit(f"unknown keys {sorted(unknown)}; known are {', '.join(DEFAULTS)}")
    named = DEFAULTS | given
    category = Category(named["category"])
    factors = Factors(**{key: named[key] for key in Factors.__dataclass_fields__})
    positive = replace(factors, **{CHANGED[category]: named["positive"]}) if named["positive"] else factors
    negative = named["negative"] or factors.motion
    return Plan(words, category, factors, positive, negative, Prompts("", "", "", ""), int(named["seed"]))


def row(plan: Plan, role: Role, clip_format: ClipFormat, columns: int) -> Frames:
    """So many evenly spaced frames of one clip, uint8 (columns, size, size, 3)."""
    scene = stage(plan, role, clip_format, plan.seed).scene
    instants = np.linspace(0, clip_format.num_frames - 1, columns).round().astype(int)
    return np.stack([render_frame(scene, clip_format.size_px, int(frame)) for frame in instants])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--triplet", action="append", default=[], metavar="KEY=VALUE,…")
    parser.add_argument(
        "--motions-of", action="append", default=[], choices=SUBJECTS, help="one row a motion"
    )
    parser.add_argument(
        "--with", dest="shared", default="", metavar="KEY=VALUE,…", help="factors of all rows"
    )
    parser.add_argument("--size", type=int, default=160, help="pixels of one frame")
    parser.add_argument("--columns", type=int, default=8)
    options = parser.parse_args()

    clip_format = ClipFormat(size_px=options.size)
    rows: list[tuple[str, Frames]] = []
    for words in options.triplet:
        plan = plan_of(f"{options.shared},{words}")
        for role in Role:
            shown = " ".join(asdict(plan.factors_of(role)).values())
            rows.append((f"{role}: {shown}", row(plan, role, clip_format, options.columns)))
    for subject in options.motions_of:
        for motion in sorted(SUBJECTS[subject][1]):
            plan = plan_of(f"{options.shared},subject={subject},motion={motion}")
            rows.append((f"{subject} {motion}", row(plan, Role.REFERENCE, clip_format, options.columns)))

    sheet = Picture.fromarray(np.concatenate([np.concatenate(list(frames), 1) for _, frames in rows], 0))
    draw = ImageDraw.Draw(sheet)
    for index, (label, _) in enumerate(rows):
        draw.text((4, index * options.size + 2), label, fill="white", stroke_width=2, stroke_fill="black")
    sheet.save(options.out)


if __name__ == "__main__":
    main()

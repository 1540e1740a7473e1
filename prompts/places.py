"""Where it happens: settings and the scenery that can stand in them, with the words for both.

Knows nothing of who moves there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """One place. ``phrase`` opens a sentence after its capital; ``scenery`` lists what can stand there.

    ``roomy`` is false where nothing can travel without running into a wall.
    """

    phrase: str
    scenery: tuple[str, ...]
    roomy: bool = True


@dataclass(frozen=True)
class Scenery:
    """Still things in the background. ``phrase`` introduces them, ``named`` refers back to them."""

    phrase: str
    named: str


SETTINGS = {
    # Outdoors.
    "meadow": Setting(
        phrase="in a green meadow",
        scenery=("empty", "trees", "rocks", "benches", "fence", "barrels", "columns"),
    ),
    "beach": Setting(
        phrase="on a sandy beach",
        scenery=("empty", "trees", "rocks", "benches", "fence", "barrels", "stacked_boxes"),
    ),
    "desert": Setting(
        phrase="in a sandy desert",
        scenery=("empty", "rocks", "fence", "barrels", "columns", "stacked_boxes"),
    ),
    "snowfield": Setting(
        phrase="on a wide snowfield",
        scenery=("empty", "trees", "rocks", "benches", "fence", "lamp_posts", "barrels"),
    ),
    "street": Setting(
        phrase="on a quiet street",
        scenery=("empty", "trees", "benches", "cones", "lamp_posts", "fence", "barrels", "potted_plants"),
    ),
    "plaza": Setting(
        phrase="on a paved plaza",
        scenery=("empty", "trees", "benches", "cones", "lamp_posts", "columns", "potted_plants"),
    ),
    "forest_clearing": Setting(
        phrase="in a forest clearing",
        scenery=("empty", "rocks", "benches", "fence", "barrels", "columns", "stacked_boxes"),
    ),
    "rooftop": Setting(
        phrase="on a flat rooftop",
        scenery=("empty", "benches", "cones", "stacked_boxes", "potted_plants", "fence", "barrels"),
    ),
    # Indoors: nothing that grows or stands in the ground.
    "gym": Setting(
        phrase="in a spacious gym",
        scenery=("empty", "benches", "cones", "stacked_boxes", "columns"),
    ),
    "studio": Setting(
        phrase="in a plain photo studio",
        scenery=("empty", "benches", "cones", "stacked_boxes", "potted_plants", "columns", "barrels"),
    ),
    "living_room": Setting(
        phrase="in a tidy living room",
        scenery=("empty", "benches", "stacked_boxes", "potted_plants", "columns"),
        roomy=False,
    ),
    "warehouse": Setting(
        phrase="in a large warehouse",
        scenery=("empty", "cones", "stacked_boxes", "columns", "barrels"),
    ),
}

SCENERY = {
    "empty": Scenery(phrase="no other objects", named="nothing"),
    "trees": Scenery(phrase="a few trees", named="the trees"),
    "rocks": Scenery(phrase="a few boulders", named="the boulders"),
    "benches": Scenery(phrase="some benches", named="the benches"),
    "cones": Scenery(phrase="some traffic cones", named="the traffic cones"),
    "stacked_boxes": Scenery(phrase="stacked cardboard boxes", named="the cardboard boxes"),
    "lamp_posts": Scenery(phrase="a row of lamp posts", named="the lamp posts"),
    "potted_plants": Scenery(phrase="some potted plants", named="the potted plants"),
    "fence": Scenery(phrase="a long fence", named="the fence"),
    "columns": Scenery(phrase="some stone columns", named="the stone columns"),
    "barrels": Scenery(phrase="a few barrels", named="the barrels"),
}

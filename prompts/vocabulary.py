"""The keys that each factor can take, in their fixed order. Knows no rule and no words."""

from __future__ import annotations

from prompts.looks import APPEARANCES, CAMERAS, STYLES
from prompts.motions import MOTIONS
from prompts.places import SCENERY, SETTINGS
from prompts.subjects import SUBJECTS

# Named and ordered like the fields of ``data.schema.Factors``.
VOCABULARY: dict[str, tuple[str, ...]] = {
    "subject": tuple(SUBJECTS),
    "motion": tuple(MOTIONS),
    "setting": tuple(SETTINGS),
    "scenery": tuple(SCENERY),
    "appearance": tuple(APPEARANCES),
    "style": tuple(STYLES),
    "camera": tuple(CAMERAS),
}

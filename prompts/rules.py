"""What goes together: which factors may meet in one clip, and what counts as a clear change.

The one place for such rules. Knows nothing of chance or of prompts; the rules are our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from data.schema import Category, Factors
from prompts.looks import APPEARANCES, CAMERAS, CLEAR_ANGLE_DEGREES, STYLES, angle_between_degrees
from prompts.motions import MOTIONS, clearly_different
from prompts.places import SETTINGS
from prompts.subjects import SUBJECTS
from prompts.vocabulary import VOCABULARY


@dataclass(frozen=True)
class Rule:
    """One reason why factors cannot meet. ``breaks`` takes the keys of ``factors``, in that order."""

    because: str
    factors: tuple[str, ...]
    breaks: Callable[..., bool]

    def is_broken_by(self, values: Mapping[str, str]) -> bool:
        return self.breaks(*(values[name] for name in self.factors))


RULES = (
    Rule(
        "the body cannot carry this motion",
        ("subject", "motion"),
        lambda subject, motion: subject not in MOTIONS[motion].carriers,
    ),
    Rule(
        "only people, robots and animals wear accessories",
        ("subject", "appearance"),
        lambda subject, look: bool(APPEARANCES[look].accessory) and not SUBJECTS[subject].wears_accessories,
    ),
    Rule(
        "what is on the back cannot be seen from the front",
        ("appearance", "camera"),
        lambda look, camera: APPEARANCES[look].on_the_back and CAMERAS[camera].azimuth_degrees == 0,
    ),
    Rule(
        "this scenery does not stand in this setting",
        ("setting", "scenery"),
        lambda setting, scenery: scenery not in SETTINGS[setting].scenery,
    ),
    Rule(
        "there is no room to travel",
        ("setting", "motion"),
        lambda setting, motion: MOTIONS[motion].travels and not SETTINGS[setting].roomy,
    ),
    Rule(
        "without a pattern nobody sees a ball or a box turn",
        ("subject", "motion", "appearance"),
        lambda subject, motion, look: (
            SUBJECTS[subject].needs_pattern_to_turn
            and MOTIONS[motion].turns
            and not APPEARANCES[look].shows_turning
        ),
    ),
    Rule(
        "the style hides the pattern by which a ball or a box is seen to turn",
        ("subject", "motion", "style"),
        lambda subject, motion, style: (
            SUBJECTS[subject].needs_pattern_to_turn and MOTIONS[motion].turns and not STYLES[style].textured
        ),
    ),
    Rule(
        "the motion cannot be read from an outline",
        ("motion", "style"),
        lambda motion, style: style == "silhouette" and not MOTIONS[motion].shows_in_outline,
    ),
)

# What a category asks of its reference and its positive on top of that.
_DEMANDS = {
    Category.DYNAMIC_ATTRIBUTE: (
        Rule("the style hides the appearance", ("style",), lambda style: not STYLES[style].textured),
    ),
}

# The one factor in which the positive differs from the reference.
CHANGED_FACTOR = {
    Category.STATIC_OBJECT: "scenery",
    Category.DYNAMIC_OBJECT: "subject",
    Category.DYNAMIC_ATTRIBUTE: "appearance",
    Category.SCENE_STYLE: "style",
    Category.VIEW: "camera",
}


def rules_of(category: Category) -> tuple[Rule, ...]:
    """The rules that the reference and the positive of ``category`` keep."""
    return RULES + _DEMANDS.get(category, ())


def broken_rules(factors: Factors, category: Category) -> tuple[Rule, ...]:
    """The rules of ``category`` that ``factors`` break; empty when they go together."""
    return tuple(rule for rule in rules_of(category) if rule.is_broken_by(vars(factors)))


def positive_values(factors: Factors, category: Category) -> tuple[str, ...]:
    """The values of ``CHANGED_FACTOR[category]`` that the positive of ``factors`` may have."""
    name = CHANGED_FACTOR[category]
    old = getattr(factors, name)
    return tuple(new for new in _alternatives(factors, name, category) if _clear_change(name, old, new))


def negative_motions(factors: Factors, category: Category) -> tuple[str, ...]:
    """The motions that the negative of ``factors`` may make."""
    options = _alternatives(factors, "motion", category)
    return tuple(motion for motion in options if clearly_different(motion, factors.motion))


def _alternatives(factors: Factors, name: str, category: Category) -> Iterator[str]:
    """The values of the factor ``name`` that go together with the rest of ``factors``."""
    rules = [rule for rule in rules_of(category) if name in rule.factors]
    for value in VOCABULARY[name]:
        trial = {**vars(factors), name: value}
        if not any(rule.is_broken_by(trial) for rule in rules):
            yield value


def _clear_change(name: str, old: str, new: str) -> bool:
    """Whether a viewer sees at once that the factor ``name`` went from ``old`` to ``new``."""
    match name:
        case "subject":
            return SUBJECTS[old].plan != SUBJECTS[new].plan
        case "appearance":
            before, after = APPEARANCES[old], APPEARANCES[new]
            return before.hue != after.hue and before.pattern != after.pattern
        case "camera":
            return angle_between_degrees(CAMERAS[old], CAMERAS[new]) >= CLEAR_ANGLE_DEGREES
        case _:
            return old != new

"""All that is known of a study so far: how far it is, who is not heard and why, how far the others agree.

Knows no server: it counts what was pulled last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from annotation.agreement import Agreement, agreement
from annotation.answers import Answers
from annotation.quality import AnnotatorQuality, ExclusionRules, Fault, excluded, qualities
from annotation.status import Standing, standing
from annotation.study import Study
from annotation.votes import votes


@dataclass(frozen=True)
class Overview:
    """``qualities`` has everyone who gave a valid answer, ``faults`` those of them who are not heard.

    ``agreement`` is of those who are, on the items that are not gold.
    """

    standing: Standing
    qualities: Mapping[str, AnnotatorQuality]
    faults: Mapping[str, tuple[Fault, ...]]
    agreement: Agreement


def overview(study: Study, found: Answers, rules: ExclusionRules) -> Overview:
    """Take stock of a study under the rules of who is heard."""
    slots, items = list(study.slots.values()), list(study.items.values())
    faults = excluded(found.rankings, slots, items, rules)
    counted, _ = votes(found.rankings, slots, items, faults)
    return Overview(
        standing(study, found),
        {own.annotator: own for own in qualities(found.rankings, slots, items, rules)},
        faults,
        agreement(counted, [item for item in items if item.known_order is None]),
    )

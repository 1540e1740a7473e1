"""From questions and what people said to the records of a set of real clips. Plain functions, no Prefect."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from annotation.agreement import agreement
from annotation.decision import Decision
from annotation.items import Ranking, RankingItem
from annotation.study import Study
from annotation.votes import votes
from data.cutting import CutClip, FootageReject
from data.disk import write_atomically
from data.manifest import Counts
from data.real import CandidateStanding, FilmedClip, PeopleSaid, RawAnnotation, RealTriplet
from data.real_manifest import ACCEPTED, GOLD, UNDECIDED
from data.schema import Role
from flows.consulting import Look
from flows.footage import Choice
from flows.real_recipe import RealRecipe
from moments.real_items import RealItem

REJECTS = "footage_rejects.jsonl"


@dataclass(frozen=True)
class RealSummary:
    """Where a run stands: ``num_wanted`` questions are in the recipe, ``waiting`` answers still to come."""

    name: str
    counts: Counts
    num_wanted: int
    num_videos: int
    num_clips: int
    waiting: int
    answered: int
    unheard: dict[str, list[str]]
    study: str
    report: str

    @property
    def shortage(self) -> str:
        """Why there are fewer questions than wanted; empty where there are not."""
        if self.counts.requested >= self.num_wanted:
            return ""
        return (
            f"the footage gave {self.counts.requested} of the {self.num_wanted} questions that were asked "
            "for: each takes videos of its own, one for the reference and one for every candidate"
        )


def item_id(number: int) -> str:
    """The name of a question, and of the triplet that it becomes."""
    return f"real_{number:04d}"


def ranking_items(items: Sequence[RealItem]) -> tuple[RankingItem, ...]:
    """The questions as people are asked them."""
    return tuple(
        RankingItem(item_id(number), item.reference, item.candidates) for number, item in enumerate(items)
    )


def outcomes(study: Study, decisions: Sequence[Decision]) -> dict[str, str]:
    """What became of every question, as ``data.real_manifest`` says it; gold ones among them."""
    became = {"accept": ACCEPTED, "ask_more": UNDECIDED}
    gold = {item.item_id: GOLD for item in study.items.values() if item.known_order is not None}
    return gold | {own.item_id: became.get(own.outcome, own.reason) for own in decisions}


def triplets_of(study: Study, look: Look, choice: Choice, recipe: RealRecipe) -> list[RealTriplet]:
    """A triplet for every question with a clear winner, in the order of the questions."""
    counted, _ = votes(
        look.answers.rankings, list(study.slots.values()), list(study.items.values()), look.unheard
    )
    by_id = {decision.item_id: decision for decision in look.decisions}
    triplets = []
    for number, item in enumerate(choice.items):
        decision = by_id[item_id(number)]
        if decision.outcome != "accept":
            continue
        clips = {
            Role.REFERENCE: item.reference,
            Role.POSITIVE: decision.lead.winner,
            Role.NEGATIVE: item.negative,
        }
        looks_alike, moves_alike = choice.standings[item.reference]
        triplets.append(
            RealTriplet(
                item_id(number),
                recipe.format,
                {role: _filmed(choice, sha256) for role, sha256 in clips.items()},
                looks_alike,
                moves_alike,
                tuple(
                    CandidateStanding(own.candidate, own.strength, own.low, own.high)
                    for own in decision.standings
                ),
                _people(decision, counted, study.items[decision.item_id], recipe.decision.level),
            )
        )
    return triplets


def raw_annotations(study: Study, look: Look) -> list[RawAnnotation]:
    """Every answer to a question of the study, without names, by question and annotator."""
    slots, items = list(study.slots.values()), list(study.items.values())
    counted, uncounted = votes(look.answers.rankings, slots, items, look.unheard)
    reasons = {own.ranking.annotation_id: own.reason for own in uncounted}
    rows = [_raw(study, ranking, reasons.get(ranking.annotation_id)) for ranking in look.answers.rankings]
    assert len(rows) == len(counted) + len(uncounted)
    return sorted(rows, key=lambda row: (row.item_id, row.annotator, row.is_repeat, row.annotation_id))


def write_rejects(rejects: Sequence[FootageReject], out: Path) -> None:
    """Every video and shot that gave no clip, with its reason, as JSON lines in ``out``."""
    lines = sorted(json.dumps(asdict(reject), sort_keys=True, ensure_ascii=False) for reject in rejects)
    write_atomically(out / REJECTS, "".join(f"{line}\n" for line in lines).encode())


def _filmed(choice: Choice, sha256: str) -> FilmedClip:
    clip: CutClip = choice.clips[sha256]
    return FilmedClip(clip, choice.videos[clip.video_id])


def _people(decision: Decision, counted: Sequence[Ranking], item: RankingItem, level: float) -> PeopleSaid:
    own = [ranking for ranking in counted if ranking.item_id == decision.item_id]
    agreed = agreement(own, [item])
    lead = decision.lead
    return PeopleSaid(
        num_ranked=decision.num_ranked,
        num_cannot_judge=decision.num_cannot_judge,
        num_does_not_play=decision.num_does_not_play,
        lead=lead.gap,
        lead_low=lead.low,
        lead_high=lead.high,
        level=level,
        kendalls_w=agreed.kendalls_w,
        tau=agreed.tau,
        median_seconds=median(ranking.seconds for ranking in own),
    )


def _raw(study: Study, ranking: Ranking, uncounted: str | None) -> RawAnnotation:
    slot, item = study.slots[ranking.slot_id], study.items[ranking.item_id]
    return RawAnnotation(
        annotation_id=study.opaque("annotation", ranking.annotation_id),
        item_id=ranking.item_id,
        annotator=ranking.annotator,
        reference_sha256=item.reference,
        shown=slot.shown,
        verdict=ranking.verdict,
        order=ranking.order,
        known_order=item.known_order,
        is_repeat=slot.repeat_of is not None,
        seconds=ranking.seconds,
        day=ranking.submitted_at[:10],
        uncounted=uncounted,
    )

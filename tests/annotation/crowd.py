"""Rankings written short, for tests: "b>a=c" is b first, then a and c tied."""

from __future__ import annotations

from annotation.items import Ranking, RankingItem, Slot, Verdict


def ranking(
    annotator: str,
    order: str,
    item: str = "item",
    slot: str | None = None,
    *,
    verdict: Verdict = "ranked",
    seconds: float = 60.0,
    at: str = "2026-01-01T10:00:00Z",
    annotation: str | None = None,
) -> Ranking:
    slot = slot or f"{item}/{annotator}"
    tied = tuple(tuple(group.split("=")) for group in order.split(">")) if order else ()
    return Ranking(slot, item, annotator, verdict, tied, seconds, at, annotation or f"{slot} {at}")


def crowd(*orders: str, item: str = "item") -> list[Ranking]:
    """One ranking each by p0, p1, …"""
    return [ranking(f"p{who}", order, item) for who, order in enumerate(orders)]


def item(name: str = "item", candidates: str = "abcde", gold: bool = False) -> RankingItem:
    """With ``gold`` the candidates are in their known order."""
    return RankingItem(name, "reference", tuple(candidates), tuple(candidates) if gold else None)


def slots_for(rankings: list[Ranking], shown: str = "abcde") -> list[Slot]:
    """A slot for every ranking, all showing the candidates in the order ``shown``."""
    return list({own.slot_id: Slot(own.slot_id, own.item_id, tuple(shown)) for own in rankings}.values())

"""How annotators, their faults and decisions are put into words, for a terminal and for a page.

It knows nothing of HTML or files.
"""

from __future__ import annotations

import math

from annotation.agreement import Agreement
from annotation.decision import Outcome, Reason
from annotation.quality import AnnotatorQuality, ExclusionRules, Fault, MeanTau
from flows.report_cards import number_text

OUTCOMES: dict[Outcome, str] = {"accept": "accepted", "ask_more": "ask more", "reject": "rejected"}
REASONS: dict[Reason, str] = {
    "clear_winner": "the winner is clear of all others",
    "too_few_annotators": "too few people have ranked it",
    "no_clear_winner": "no winner is clear of all others yet",
    "no_agreement": "people do not agree on a winner",
    "does_not_play": "several people say that a clip does not play",
}


def fault_text(fault: Fault, own: AnnotatorQuality, rules: ExclusionRules) -> str:
    """One reason for which an annotator is not heard, with the figures that it rests on."""
    at = rules.significance
    match fault:
        case "gold":
            return f"misses the known orders: {_below(own.gold, rules.min_gold_tau, at)}"
        case "consistency":
            return f"contradicts themselves: {_below(own.consistency, rules.min_consistency_tau, at)}"
        case "agreement":
            return f"disagrees with the others: {_below(own.agreement, rules.min_agreement_tau, at)}"
        case "position":
            limit = number_text(rules.max_position_tau)
            return f"goes by the order on screen: {tau_text(own.position, at / 2)}, expected within ±{limit}"
        case "too_fast":
            return (
                f"is too fast: {share_text(own.fast_share)} of the answers took less than "
                f"{rules.min_seconds:g} s, at most {share_text(rules.max_fast_share)} may"
            )
        case "cannot_judge":
            return (
                f"cannot judge {share_text(own.cannot_judge_share)} of what is shown, at most "
                f"{share_text(rules.max_cannot_judge_share)} may be"
            )


def tau_text(tau: MeanTau | None, significance: float) -> str:
    """``τ 0.12 ± 0.30 of 4 answers``; empty where there is none."""
    if tau is None:
        return ""
    margin = number_text(tau.margin(significance))
    return f"τ {number_text(tau.mean)} ± {margin} of {counted(tau.count, 'answer')}"


def _below(tau: MeanTau | None, limit: float, significance: float) -> str:
    return f"{tau_text(tau, significance)}, expected {number_text(limit)} or more"


def agreement_text(found: Agreement) -> str:
    """All of an agreement on one line for a terminal."""
    if found.alpha is None:
        return "Agreement: not defined yet; it needs two people who ranked the same candidates."
    return (
        f"Agreement of {counted(found.num_annotators, 'annotator')}: Krippendorff's alpha "
        f"{number_text(found.alpha)} ({alpha_interval_text(found)}), Kendall's W "
        f"{number_text(found.kendalls_w)}, mean tau {number_text(found.tau)}."
    )


def alpha_interval_text(found: Agreement) -> str:
    if found.alpha_low is None:
        return "no interval with fewer than three annotators"
    return f"95 % interval {number_text(found.alpha_low)} to {number_text(found.alpha_high)}"


def counted(number: int, one: str) -> str:
    """``1 answer``, ``1,200 answers``."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def share_text(share: float) -> str:
    """Percent, never rounded to none or all."""
    percent = min(max(100 * share, 1), 99) if 0 < share < 1 else 100 * share
    return f"{percent:.0f} %"


def seconds_text(seconds: float | None) -> str:
    """``8.5 s``, ``45 s``, ``2 min``, ``1.5 h``; a dash where there is none."""
    if seconds is None:
        return "–"
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.2g} min" if seconds < 600 else f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def work_text(hours: float | None) -> str:
    """The work that is left: ``none``, ``12 min``, ``3.4 h``; unknown before the first answer."""
    if hours is None:
        return "unknown"
    if hours == 0:
        return "none"
    return f"{math.ceil(hours * 60)} min" if hours < 1 else f"{hours:.1f} h"

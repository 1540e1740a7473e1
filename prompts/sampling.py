"""From a seed to drafts: even, repeatable draws in which no two triplets of a run share their factors.

Knows nothing of words, and nothing of what is later made from a draft.
"""

from __future__ import annotations

import difflib
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, islice

from data.errors import ConfigError
from data.schema import Category, Factors, Plan, Prompts
from prompts.rules import CHANGED_FACTOR, Rule, negative_motions, positive_values, rules_of
from prompts.seeds import derive_seed
from prompts.vocabulary import VOCABULARY
from prompts.writer import Draft

MAX_PER_CATEGORY = 10_000  # their names count in four digits

# What narrows the choice most comes first, so that a dead end is met early.
_ORDER = ("motion", "subject", "style", "setting", "scenery", "appearance", "camera")


def draw_drafts(categories: Sequence[str], per_category: int, seed: int) -> tuple[Draft, ...]:
    """The first ``per_category`` drafts of each category, in the order of ``Category``, then by index.

    Draft i of a category depends on ``seed``, the category and i alone, so a data set grows without
    losing what it has.  Raises ``ConfigError`` for an unknown category or an impossible number.
    """
    wanted = {parse_category(name) for name in categories}
    if not wanted:
        raise ConfigError(f"no category was asked for: name at least one of {', '.join(Category)}")
    if not 1 <= per_category <= MAX_PER_CATEGORY:
        raise ConfigError(
            f"{per_category} triplets per category were asked for; possible are 1 to {MAX_PER_CATEGORY}"
        )
    return tuple(
        draft
        for category in Category
        if category in wanted
        for draft in _exactly(per_category, category, seed)
    )


def plan_of(draft: Draft, prompts: Prompts) -> Plan:
    """The plan that ``draft`` becomes once its ``prompts`` are written."""
    return Plan(**vars(draft), prompts=prompts)


def parse_category(name: str) -> Category:
    """The category called ``name``. Raises ``ConfigError`` that tells the nearest one."""
    try:
        return Category(name)
    except ValueError:
        nearest = difflib.get_close_matches(name, map(str, Category), n=1, cutoff=0.0)[0]
        raise ConfigError(
            f"unknown category {name!r}: did you mean {nearest!r}? The categories are {', '.join(Category)}"
        ) from None


def drafts(category: Category, seed: int) -> Iterator[Draft]:
    """All drafts of ``category`` one after the other, until its factors are used up.

    Draft i takes of every factor the value that drafts 0 … i-1 used least; chance decides ties.
    """
    usage: Counter[tuple[str, str]] = Counter()
    taken: set[Factors] = set()
    rules = _rules_by_last_factor(category)
    for index in count():
        rng = random.Random(derive_seed(seed, category, index, "draw"))
        for factors in _candidates({}, rules, usage, rng):
            if factors in taken or owner(factors) is not category:
                continue
            changes = positive_values(factors, category)
            motions = negative_motions(factors, category)
            if changes and motions:
                break
        else:
            return
        change = _least_used("change", changes, usage, rng)[0]
        negative_motion = _least_used("negative", motions, usage, rng)[0]
        taken.add(factors)
        usage.update(vars(factors).items())
        usage.update([("change", change), ("negative", negative_motion)])
        yield Draft(
            triplet_id=f"{category}_{index:04d}",
            category=category,
            factors=factors,
            positive=replace(factors, **{CHANGED_FACTOR[category]: change}),
            negative_motion=negative_motion,
            seed=derive_seed(seed, category, index, "plan"),
        )


def _exactly(number: int, category: Category, seed: int) -> tuple[Draft, ...]:
    found = tuple(islice(drafts(category, seed), number))
    if len(found) < number:
        raise ConfigError(
            f"{number} triplets of {category} were asked for; "
            f"the vocabulary allows {len(found)} different ones"
        )
    return found


def owner(factors: Factors) -> Category:
    """The one category that may use ``factors`` for a reference, so that no two ever share them."""
    return tuple(Category)[derive_seed("owner", *vars(factors).values()) % len(Category)]


def _candidates(
    known: Mapping[str, str],
    rules: Mapping[str, Sequence[Rule]],
    usage: Mapping[tuple[str, str], int],
    rng: random.Random,
) -> Iterator[Factors]:
    """All factors that keep ``rules`` and agree with ``known``, those with little used values first."""
    if len(known) == len(_ORDER):
        yield Factors(**known)
        return
    name = _ORDER[len(known)]
    for value in _least_used(name, VOCABULARY[name], usage, rng):
        trial = {**known, name: value}
        if not any(rule.is_broken_by(trial) for rule in rules[name]):
            yield from _candidates(trial, rules, usage, rng)


def _rules_by_last_factor(category: Category) -> dict[str, tuple[Rule, ...]]:
    """The rules under the factor that is drawn last among theirs, when they can first be asked."""
    return {
        name: tuple(rule for rule in rules_of(category) if max(rule.factors, key=_ORDER.index) == name)
        for name in _ORDER
    }


def _least_used(
    slot: str, values: Sequence[str], usage: Mapping[tuple[str, str], int], rng: random.Random
) -> list[str]:
    # Sorted by random(), not shuffled: of the two only random() is promised to stay the same
    # in later versions of Python.
    return sorted(values, key=lambda value: (usage[slot, value], rng.random()))

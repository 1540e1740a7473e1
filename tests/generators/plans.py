"""Plans for the tests of the generators, made of explicit factors."""

from __future__ import annotations

from dataclasses import replace

from data.schema import Category, Factors, Plan, Prompts

BASE = Factors("person", "walk", "meadow", "rocks", "crimson_plain", "shaded", "three_quarter_left")

CHANGES = {
    Category.STATIC_OBJECT: {"scenery": "trees"},
    Category.DYNAMIC_OBJECT: {"subject": "dog"},
    Category.DYNAMIC_ATTRIBUTE: {"appearance": "teal_hat"},
    Category.SCENE_STYLE: {"style": "toon"},
    Category.VIEW: {"camera": "high"},
}


def plan_of(
    category: Category = Category.VIEW, factors: Factors = BASE, negative_motion: str = "bow", seed: int = 5
) -> Plan:
    """A triplet of this category whose positive differs as its category says."""
    positive = replace(factors, **CHANGES[category])
    prompts = Prompts("a person in a meadow", "the other look", "the person walks", "the person bows")
    return Plan(f"{category}-{seed}", category, factors, positive, negative_motion, prompts, seed)

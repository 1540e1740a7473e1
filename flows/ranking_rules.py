"""The rules by which rankings count and items are decided, read from YAML: a part of a recipe, or a file.

Knows nothing of what the rules do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidatorFunctionWrapHandler, field_validator

from annotation.decision import DecisionRules
from annotation.quality import ExclusionRules
from data.errors import ConfigError
from flows.recipe_file import Strict, load_file


class RankingRules(Strict):
    """Who is not heard, and when enough was asked."""

    model_config = ConfigDict(allow_inf_nan=False)

    exclusion: ExclusionRules = ExclusionRules()
    decision: DecisionRules = DecisionRules()

    @field_validator("exclusion", "decision", mode="wrap")
    @classmethod
    def _sensible(cls, value: Any, validated: ValidatorFunctionWrapHandler) -> Any:
        """What the rules refuse themselves becomes an error of this field, told with the others."""
        try:
            return validated(value)
        except ConfigError as error:
            raise ValueError(str(error)) from error


def load_rules(path: Path | None) -> RankingRules:
    """The rules of a YAML file; those by default where there is none, and for what it does not name.

    Raises ``ConfigError`` naming what is wrong and the nearest right word.
    """
    return RankingRules() if path is None else load_file(RankingRules, path, "rules")

"""What a paid call costs: the price lists that come with genai-prices, below a file of the user's own.

Knows no network. A vendor may charge otherwise than its list says; the bill is the vendor's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from data.errors import ConfigError
from data.paid import Usage

_MILLION = 1_000_000


class OwnPrice(BaseModel):
    """One row of the user's file: dollars per million tokens, from a day on until a later row.

    Without ``cached_input`` cached tokens cost what others do, without ``image_output`` pictures cost
    what text does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str
    model: str
    valid_from: date
    input: float = Field(ge=0, allow_inf_nan=False)
    cached_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    image_output: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    def usd(self, usage: Usage) -> float:
        cached_input = self.input if self.cached_input is None else self.cached_input
        image_output = self.output if self.image_output is None else self.image_output
        return (
            (usage.input - usage.cached_input) * self.input
            + usage.cached_input * cached_input
            + usage.output * self.output
            + usage.image_output * image_output
        ) / _MILLION


@dataclass(frozen=True)
class Prices:
    """List prices on one day. ``own`` rows come before those of genai-prices."""

    on: date
    own: tuple[OwnPrice, ...] = ()
    file: Path | None = None

    def usd(self, provider: str, model: str, usage: Usage, discount: float = 0.0) -> float:
        """Dollars for ``usage``, less the share ``discount``; ``ConfigError`` for a model without a price."""
        usage = replace(usage, cached_input=min(usage.cached_input, usage.input))
        valid = [row for row in self.own if (row.provider, row.model) == (provider, model)]
        valid = [row for row in valid if row.valid_from <= self.on]
        if valid:
            listed = max(valid, key=lambda row: row.valid_from).usd(usage)
        else:
            listed = _listed_usd(provider, model, usage, self.on)
        return listed * (1 - discount)

    @property
    def source(self) -> str:
        """Where the prices are from, with their dates, as a report says it."""
        import genai_prices

        own = f"{self.file} and " if self.own else ""
        lists = f"genai-prices {genai_prices.__version__} (its last change before: {_last_change(self.on)})"
        return f"list prices of {self.on} from {own}{lists}"


def load_prices(file: Path | None, on: date) -> Prices:
    """The prices on a day, the user's ``file`` before all others. ``ConfigError`` says what is wrong."""
    if file is None:
        return Prices(on)
    try:
        rows = yaml.safe_load(file.read_text(encoding="utf-8"))
        own = TypeAdapter(tuple[OwnPrice, ...]).validate_python(rows)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the price file {file} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(
            f"the price file {file} is not valid YAML: {' '.join(str(error).split())}"
        ) from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, detail['loc'])) or 'the file'}: {detail['msg']}" for detail in error.errors()
        )
        raise ConfigError(f"the price file {file}: {wrong}. {_how_to_write('openai', 'gpt-4.1')}") from error
    days = [(row.provider, row.model, row.valid_from) for row in own]
    if twice := next((row for row in days if days.count(row) > 1), None):
        raise ConfigError(
            f"the price file {file} names {twice[0]}/{twice[1]} of {twice[2]} twice: keep one row"
        )
    return Prices(on, own, file)


def _listed_usd(provider: str, model: str, usage: Usage, on: date) -> float:
    import genai_prices

    # There the input counts its cached part and the output its pictures; a model that has no price of
    # its own for these bills them as the rest.
    counted = genai_prices.Usage(
        input_tokens=usage.input,
        cache_read_tokens=usage.cached_input,
        output_tokens=usage.output + usage.image_output,
        output_image_tokens=usage.image_output,
    )
    noon = datetime.combine(on, time(12), UTC)
    try:
        price = genai_prices.calc_price(counted, model, provider_id=provider, genai_request_timestamp=noon)
    except LookupError:
        raise ConfigError(
            f"genai-prices {genai_prices.__version__} knows no price of {model!r} of {provider!r}: correct "
            f"the model, or name a file of your own as 'prices:' in the recipe. "
            f"{_how_to_write(provider, model)}"
        ) from None
    return float(price.total_price)


def _how_to_write(provider: str, model: str) -> str:
    return (
        "Such a file is a list of rows, dollars per million tokens (0 for a server of your own): "
        f"- {{provider: {provider}, model: {model}, valid_from: 2026-01-01, input: 2.0, cached_input: 0.5, "
        "output: 8.0, image_output: 30.0}; cached_input and image_output may be left out"
    )


def _last_change(on: date) -> date:
    """The last day until ``on`` from which a price of the list holds: the list is not older than that."""
    return max(day for day in _days() if day <= on)


@cache
def _days() -> frozenset[date]:
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import StartDateConstraint

    models = [model for provider in get_snapshot().providers for model in provider.models]
    listed = [
        price.constraint for model in models if isinstance(model.prices, list) for price in model.prices
    ]
    special = [price.constraint for model in models for price in model.price_variants or ()]
    starts = [one for one in (*listed, *special) if isinstance(one, StartDateConstraint)]
    return frozenset(start.start_date for start in starts)

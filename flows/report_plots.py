"""The two plots of the report as numbers that a template can place: an SPF curve and a heat map.

It knows nothing of HTML or files.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from PIL import Image

from data.errors import ContractError
from data.schema import Category, FloatArray, Role

PALETTE = "viridis"
UNKNOWN_RGB = (128, 128, 128)  # entries that are not finite
Label = TypeVar("Label")


@dataclass(frozen=True)
class ClipLabel:
    """Which clip a row of the similarity matrix belongs to."""

    triplet_id: str
    category: Category
    role: Role


@dataclass(frozen=True)
class SimilarityMatrix:
    """``values`` float64 (N, N), the similarity by ``method`` of every clip to every clip."""

    method: str
    values: FloatArray
    labels: tuple[ClipLabel, ...]

    def __post_init__(self) -> None:
        expected = (len(self.labels), len(self.labels))
        if self.values.shape != expected:
            raise ContractError(
                f"similarity by {self.method} needs a row and a column for each of its "
                f"{len(self.labels)} labels; got {self.values.shape}"
            )


@dataclass(frozen=True)
class Span(Generic[Label]):
    """Neighbours with the same label: half-open ``[start, stop)`` along an axis."""

    label: Label
    start: int
    stop: int

    @property
    def middle(self) -> float:
        return (self.start + self.stop) / 2


@dataclass(frozen=True)
class HeatMap:
    """A similarity matrix in reading order, by category and then by role.

    ``png_base64`` is a picture of one pixel an entry; ``low`` and ``high`` are the values at the ends
    of the colour bar; ``categories`` and ``roles`` tell where groups lie along both axes.
    """

    method: str
    size: int
    png_base64: str
    low: float
    high: float
    categories: tuple[Span[Category], ...]
    roles: tuple[Span[tuple[Category, Role]], ...]


def heat_map(similarity: SimilarityMatrix) -> HeatMap:
    """Sort and colour the similarities of at least one clip.

    The colours span the 2nd to the 98th percentile off the diagonal, so that neither the ones of
    the diagonal nor a single outlier flatten the rest (our own choice).
    """
    place = {key: index for index, key in enumerate((*Category, *Role))}
    labels = similarity.labels
    order = sorted(range(len(labels)), key=lambda i: (place[labels[i].category], place[labels[i].role], i))
    values = similarity.values[order][:, order]
    low, high = colour_range(values[~np.eye(len(values), dtype=bool)])
    return HeatMap(
        method=similarity.method,
        size=len(order),
        png_base64=base64.b64encode(coloured_png(values, low, high)).decode("ascii"),
        low=low,
        high=high,
        categories=spans(labels[i].category for i in order),
        roles=spans((labels[i].category, labels[i].role) for i in order),
    )


def spans(labels: Iterable[Label]) -> tuple[Span[Label], ...]:
    """Runs of equal neighbours in ``labels``, in order; together they cover the whole axis."""
    runs: list[Span[Label]] = []
    for label, members in groupby(labels):
        start = runs[-1].stop if runs else 0
        runs.append(Span(label, start, start + sum(1 for _ in members)))
    return tuple(runs)


def curve_points(progress: Sequence[float], width: float, height: float) -> str:
    """SVG ``points`` of a curve over equal time steps; 0 lies at the bottom left of the box, 1 on top.

    Values outside [0, 1] are drawn at the edge, values that are not finite are left out.
    """
    values = np.clip(np.asarray(progress, dtype=np.float64), 0.0, 1.0)
    across = np.linspace(0.0, width, len(values))
    return " ".join(
        f"{x:.1f},{height * (1 - y):.1f}" for x, y in zip(across, values, strict=True) if np.isfinite(y)
    )


def palette_css(stops: int = 9) -> str:
    """The heat map's colours, low to high, as the colour stops of a CSS gradient."""
    return ", ".join(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in _palette(stops))


def colour_range(values: npt.NDArray[np.floating[Any]]) -> tuple[float, float]:
    """The 2nd and the 98th percentile of what is finite in ``values``; 0 and 1 where nothing is."""
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, (2, 98)).tolist() if known.size else (0.0, 1.0)
    return low, high


def coloured_png(values: npt.NDArray[np.floating[Any]], low: float, high: float) -> bytes:
    """``values`` (rows, columns) as PNG, a pixel each; the last palette entry is for what is not finite."""
    finite = np.isfinite(values)
    shares = (np.where(finite, values, low) - low) / max(high - low, 1e-9)
    shades = np.rint(np.clip(shares, 0, 1) * 254)
    picture = Image.fromarray(np.where(finite, shades, 255).astype(np.uint8))
    picture.putpalette([*_palette(255).ravel().tolist(), *UNKNOWN_RGB])
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _palette(steps: int) -> npt.NDArray[np.uint8]:
    rgba: FloatArray = np.asarray(colormaps[PALETTE](np.linspace(0, 1, steps)), dtype=np.float64)
    return np.rint(rgba[:, :3] * 255).astype(np.uint8)

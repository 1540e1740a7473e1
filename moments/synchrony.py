"""Do two clips move alike at the same time? An agreement that sees order and not appearance. Our own.

It knows nothing of what moves, of cameras or of roles: patch features of two clips in, one score out.

A clip is summed up by how much of the picture changes between frames t and t + gap, for several gaps:
the bands next to the diagonal of its self-similarity matrix.  Whatever stands still cancels out of a
difference, and no position in the picture enters, so that scenery, clothes, rendering style, camera
and body may differ; the rise and fall over time is what two performances of one motion share.
Two clips agree by the correlation of their bands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError

FloatArray = npt.NDArray[np.float64]
Bands = tuple[FloatArray, ...]
"""Series over time; one over gap g has a value for every frame but the last g."""

GAPS_FRAMES = (1, 2, 3, 4, 6, 8, 12, 16)
HALF_CHANGE = 0.1
"""Change of a patch that counts as half moved: a strong edge that passes is not ten weak ones."""
STEADY = 0.02
"""Relative rise and fall below which a band counts as steady; two steady motions agree."""
LAG_MARGIN = 0.05
"""What another lag must gain over lag 0: a steady or periodic motion agrees about as well at many."""
MIN_FRAMES = 8
WINDOW_FRAMES = 6.0
"""Standard deviation of the window in which the agreement around one frame is taken."""


@dataclass(frozen=True)
class Synchrony:
    """Agreement of two clips, 1 for the same rise and fall of motion and about 0 for unrelated ones.

    ``score`` is that at lag 0 and ``best_score`` that at ``best_lag_frames``, which is positive when
    the second clip is late, and 0 unless another lag is better by ``LAG_MARGIN``.  ``profile`` (2·L+1,)
    holds the agreement at every lag from -L to L.
    """

    score: float
    best_lag_frames: int
    best_score: float
    profile: FloatArray


def synchrony(
    first: npt.NDArray[np.floating], second: npt.NDArray[np.floating], *, max_lag_frames: int = 8
) -> Synchrony:
    """Order-aware agreement of two clips from their patch features (T, P, D), such as ``hog``.

    Lags up to ``max_lag_frames`` are tried, but none that leaves less than half of the shorter clip.
    The clips may differ in T.  A clip without any change agrees with nothing: 0 at every lag.

    Raises ``FeatureError`` when features are not (T, P, D) with T ≥ 8, or are not finite.
    """
    early, late = activity(first), activity(second)
    return at_best_lag(lag_profile(early, late, furthest_lag(max_lag_frames, len(first), len(second))))


def activity(features: npt.NDArray[np.floating]) -> Bands:
    """How much of the picture changes over each gap: (T, P, D) -> one (T - gap,) in [0, 1] per gap.

    Gaps longer than a third of the clip are left out.  Raises ``FeatureError`` as ``synchrony`` does.
    """
    if features.ndim != 3 or len(features) < MIN_FRAMES or 0 in features.shape:
        raise FeatureError(f"features have shape {features.shape}; expected (T, P, D) with T ≥ {MIN_FRAMES}")
    if not np.isfinite(features).all():
        raise FeatureError("features are not finite: the backbone failed on this clip")
    wide = features.astype(np.float64)
    bands = []
    for gap in (gap for gap in GAPS_FRAMES if 3 * gap <= len(wide)):
        change = np.sqrt(np.square(wide[gap:] - wide[:-gap]).sum(axis=2))
        # The root makes a ripple in a slow passage count beside the peaks of a fast one.
        bands.append(np.sqrt((change / (change + HALF_CHANGE)).mean(axis=1)))
    return tuple(bands)


def relative(band: FloatArray) -> FloatArray:
    """Rise and fall of a band of amounts, in shares of its mean; the band must have something above 0."""
    return np.asarray(band / band.mean() - 1)


def centred(band: FloatArray) -> FloatArray:
    """Rise and fall of a band that has a scale of its own, such as cosines."""
    return np.asarray(band - band.mean())


def furthest_lag(max_lag_frames: int, first_frames: int, second_frames: int) -> int:
    """The furthest lag to try: none leaves less than half of the shorter clip."""
    return min(max_lag_frames, first_frames // 2, second_frames // 2)


def lag_profile(
    first: Bands, second: Bands, furthest: int, deviation: Callable[[FloatArray], FloatArray] = relative
) -> FloatArray:
    """Agreement at every lag from -L to L, (2·L+1,) for L = ``furthest``, pooled over the bands."""
    profile = [_sums(first, second, lag, deviation) for lag in range(-furthest, furthest + 1)]
    return np.array(
        [together / np.sqrt(own_first * own_second) for together, own_first, own_second in profile]
    )


def at_best_lag(profile: FloatArray) -> Synchrony:
    """The score and the best lag that a profile (2·L+1,) shows."""
    furthest = len(profile) // 2
    best = int(profile.argmax())
    if profile[best] < profile[furthest] + LAG_MARGIN:
        best = furthest
    return Synchrony(float(profile[furthest]), best - furthest, float(profile[best]), profile)


def agreement_by_frame(
    first: Bands, second: Bands, num_frames: int, deviation: Callable[[FloatArray], FloatArray] = relative
) -> FloatArray:
    """Agreement around each of the T = ``num_frames`` of the shorter clip at lag 0, (T,) in [-1, 1].

    Rise and fall are those against the whole clip's mean: a half that stands still for a while and a
    half that moves disagree there.
    """
    frames = np.arange(num_frames)[:, None]

    def around(band: FloatArray) -> FloatArray:
        # What lies between frames t and t + gap belongs to the middle of the two.
        times = np.arange(len(band)) + (num_frames - len(band)) / 2
        weights = np.exp(-0.5 * ((frames - times) / WINDOW_FRAMES) ** 2)
        return np.asarray((weights * band).sum(axis=1) / weights.sum(axis=1))

    together, own_first, own_second = _sums(first, second, 0, deviation, around)
    return np.asarray(together / np.sqrt(own_first * own_second))


def _sums(
    first: Bands,
    second: Bands,
    lag: int,
    deviation: Callable[[FloatArray], FloatArray],
    average: Callable[[FloatArray], FloatArray] = np.mean,
) -> FloatArray:
    """Averages of first·second, first² and second² added up over the bands that both clips have.

    ``average`` gives a number or a series per band.  A clip without any change agrees with nothing.
    """
    total: FloatArray | float = 0.0
    for early, late in zip(first, second, strict=False):
        early, late = early[max(0, -lag) :], late[max(0, lag) :]
        frames = min(len(early), len(late))
        early, late = early[:frames], late[:frames]
        if not early.any() or not late.any():
            nothing = average(np.zeros(frames))
            return np.stack([nothing, nothing + 1, nothing + 1])
        early, late = deviation(early), deviation(late)
        total = total + np.stack([average(early * late), average(early**2), average(late**2)]) + STEADY**2
    return np.asarray(total)

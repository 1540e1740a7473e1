"""ReTime (arXiv 2604.22554): where on the time axis each latent frame says it is, for an even pace.

It knows no model and no clip: it takes warps of time in frames and gives rotary positions in latent frames.

A video transformer turns a token's features by angles that grow with its temporal position, one frequency
a band. A latent frame told that it lies where the meaning changes fast draws its share of that change.
``tau`` (F,) says for every frame of the steady clip at which frame the present clip has come as far; the
way from t to ``tau`` is the correction. Slow bands, which place things in the clip as a whole, are warped
more than fast ones, which bind neighbours, and early denoising steps more than late ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self, assert_never

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError

FloatArray = npt.NDArray[np.float64]
StepFactor = Literal["exp_up", "none", "linear", "cosine", "exp_down", "window"]
LatentMapping = Literal["frame", "released"]

WAN_BANDS = 22
"""Temporal bands of WAN 2.2, whose heads have 128 channels."""
STEEPNESS = 3.0
"""The exponent of ``exp_up`` and ``exp_down``, as released."""


@dataclass(frozen=True)
class BandStrength:
    """The share α of the correction that each band takes: small for fast bands, large for slow ones.

    α_b = high + (low − high)·exp(−decay·b / (B − 1)), where band 0 is the fastest. The released workflow has
    these defaults, with which the slowest of 22 bands takes 0.770. ``fastest_first`` is false of models
    that list their bands from the slowest (LTX-2).
    """

    low: float = 0.2
    high: float = 0.8
    decay: float = 3.0
    fastest_first: bool = True

    def __post_init__(self) -> None:
        if not (0 <= self.low <= 1 and 0 <= self.high <= 1 and 0 <= self.decay < np.inf):
            raise FeatureError(
                f"band strengths {self.low} to {self.high} with decay {self.decay}: "
                "strengths lie in [0, 1] and a decay is not negative"
            )

    def of(self, bands: int) -> FloatArray:
        """α of each of ``bands`` bands, float64 (bands,), in the order of the model."""
        alpha: FloatArray = self.high + (self.low - self.high) * np.exp(
            -self.decay * np.linspace(0, 1, bands)
        )
        return alpha if self.fastest_first else alpha[::-1]


def step_factor(
    noise_level: float, kind: StepFactor = "exp_up", window: tuple[float, float] = (0.5, 1.0)
) -> float:
    """γ, the share of the warp at one denoising step, in [0, 1]; the kinds are those of the release.

    With t the noise level, timestep / 1000, so that 1 is the first step: ``exp_up`` (e^3t − 1) / (e³ − 1),
    ``linear`` t and ``cosine`` (1 − cos πt) / 2 fall from 1 to 0 as noise goes; ``exp_down`` is ``exp_up``
    of 1 − t; ``window`` is 1 where t lies between the bounds of ``window`` (ours by default: the noisier
    half) and 0 elsewhere; ``none`` is always 1. Raises ``FeatureError`` for a level outside [0, 1].
    """
    t = noise_level
    if not 0 <= t <= 1:
        raise FeatureError(f"noise level {t} is outside [0, 1]: divide the timestep by 1000")
    if kind == "exp_up":
        return float(np.expm1(STEEPNESS * t) / np.expm1(STEEPNESS))
    if kind == "exp_down":
        return step_factor(1 - t)
    if kind == "linear":
        return t
    if kind == "cosine":
        return float((1 - np.cos(np.pi * t)) / 2)
    if kind == "window":
        return float(window[0] <= t <= window[1])
    if kind == "none":
        return 1.0
    assert_never(kind)


def latent_frames(frames: int, stride: int = 4) -> int:
    """Latent frames of a clip: the first frame has one to itself, then ``stride`` frames share one.

    Raises ``FeatureError`` unless ``frames`` is a multiple of ``stride`` plus 1, with at least 2 latents.
    """
    if stride < 1 or frames <= stride or (frames - 1) % stride:
        raise FeatureError(
            f"a clip of {frames} frames does not fill latent frames of {stride}: "
            f"expected {stride}·k + 1 with k ≥ 1; cut or pad the clip"
        )
    return (frames - 1) // stride + 1


@dataclass(frozen=True, eq=False)
class TimeWarp:
    """Rotary positions for one clip, after any number of refinements.

    ``correction_frames`` (F,) is the sum of ``tau − t`` over the passes so far, zeros before the first: as
    every pass adds α_b·(tau − t) to the positions, that sum is all that has to be kept.

    Both mappings give a latent its place by ``stride``. ``frame``, ours after an option of the release,
    takes index i for frame stride·i and reads the correction there: both ends stay where they are, order
    is kept by one pass, and without a correction the model is the plain one bit for bit. ``released``
    follows the authors' code: latent i stands at the centre of its frames, 4i − 1.5, and is pulled
    towards ``tau`` from index i, so that it moves even without a correction. There γ weighs the latest
    pass alone, here all of them.
    """

    correction_frames: FloatArray
    bands: int = WAN_BANDS
    stride: int = 4
    strength: BandStrength = BandStrength()
    factor: StepFactor = "exp_up"
    window: tuple[float, float] = (0.5, 1.0)
    mapping: LatentMapping = "frame"

    def __post_init__(self) -> None:
        if self.correction_frames.ndim != 1 or not np.isfinite(self.correction_frames).all():
            raise FeatureError(
                f"the correction has shape {self.correction_frames.shape}; expected finite numbers (F,)"
            )
        latent_frames(len(self.correction_frames), self.stride)
        if self.bands < 1:
            raise FeatureError(f"{self.bands} temporal bands: a model has at least one")
        if not 0 <= self.window[0] <= self.window[1] <= 1:
            raise FeatureError(f"window {self.window}: expected two rising noise levels in [0, 1]")

    def refined(self, tau_frames: npt.NDArray[np.floating]) -> Self:
        """The warp for the next pass, from ``tau`` (F,) of the clip that this warp made.

        Positions move on by α_b·(tau − t) in every band. Raises ``FeatureError`` when ``tau`` is not
        F numbers in [0, F − 1] that never fall.
        """
        tau = np.asarray(tau_frames, dtype=np.float64)
        if tau.shape != self.correction_frames.shape:
            raise FeatureError(
                f"tau has shape {tau.shape}; expected one number for each of the warp's "
                f"{len(self.correction_frames)} frames"
            )
        if not (
            np.isfinite(tau).all() and tau[0] >= 0 and tau[-1] <= len(tau) - 1 and (np.diff(tau) >= 0).all()
        ):
            raise FeatureError(
                f"tau falls or leaves [0, {len(tau) - 1}]: expected the inverse of a rising progress"
            )
        return replace(self, correction_frames=self.correction_frames + tau - np.arange(len(tau)))

    def positions(self, noise_level: float) -> FloatArray:
        """Position of every latent in every band at one denoising step, float64 (bands, latents).

        Units are latent frames; the noise level is timestep / 1000.
        """
        home, pull = self._latents()
        share = step_factor(noise_level, self.factor, self.window) * self.strength.of(self.bands)
        return home + share[:, None] * pull

    def _latents(self) -> tuple[FloatArray, FloatArray]:
        """Where each latent stands and how far α = 1 would move it, in latent frames, (latents,) each."""
        frames = np.arange(len(self.correction_frames), dtype=np.float64)
        index = np.arange(latent_frames(len(frames), self.stride), dtype=np.float64)
        at_frame = self.stride * index
        if self.mapping == "released":
            at_frame[1:] -= (self.stride - 1) / 2
        home = at_frame / self.stride
        pull = np.interp(at_frame, frames, self.correction_frames) / self.stride + (home - index)
        if self.mapping == "frame":
            pull[[0, -1]] = 0
        return home, pull

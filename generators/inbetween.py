"""Frames between frames: at fractional positions, by motion-compensated interpolation or a cross-fade.

It knows nothing of pacing, files or models: it is told the positions.  Our own arrangement: optical flow
both ways between two neighbours by DIS (Kroeger et al., ECCV 2016, as in OpenCV), carried to the moment
asked for, and a blend that leaves out the neighbour in which a pixel is covered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from data.errors import ContractError
from data.schema import FloatArray, Frames, Image

Resampling = Literal["nearest", "blend", "motion"]

POSITION_TOLERANCE = 1e-6
"""Share of a frame's distance below which a position is that of the frame itself."""
AGREEMENT_SHARE = 0.1
"""Flows that differ by this share of their size, or by a pixel, still speak of the same thing."""
FOLLOWED_SHARE = 0.2
"""Share of the change between two frames that flow must follow, or they are faded: torn limbs look worse."""
SMALLEST_PX = 16  # side below which DIS refuses a picture or sees nothing in it: it is faded
SPREAD_PX = 1.0  # of the Gaussian that closes the gaps between pixels that were carried apart
WIDE_SPREAD_PX = 8.0  # of the one that fills the holes which that leaves open

Flow = npt.NDArray[np.float32]  # (H, W, 2), x then y in pixels
Plane = npt.NDArray[np.float32]  # (H, W)


class InBetweener(Protocol):
    """Makes one segment of a video anew."""

    @property
    def frame_step(self) -> int:
        """A segment may have 1 + any multiple of so many frames."""

    def between(self, source: Frames, positions: FloatArray) -> Frames:
        """The segment anew: uint8 (n, H, W, 3) and N ascending positions in it -> uint8 (N, H, W, 3).

        The first result is ``source[0]`` and the last ``source[-1]``.  What makes a segment from its two
        ends alone reads of ``source`` only those and of ``positions`` only how many they are.
        """


@dataclass(frozen=True)
class SourceFrames:
    """An ``InBetweener`` on the CPU that keeps to what was filmed, and computes only what lies between.

    Its frames are the source's own at ``positions``, not made up from the two ends of the segment.
    """

    resampling: Resampling = "motion"
    frame_step: int = 1

    def between(self, source: Frames, positions: FloatArray) -> Frames:
        return frames_at(source, positions, self.resampling)


def frames_at(frames: Frames, positions: FloatArray, resampling: Resampling = "motion") -> Frames:
    """Frames uint8 (T, H, W, 3) at ``positions`` (N,), in frames from 0 to T - 1: uint8 (N, H, W, 3).

    A whole position gives that frame, bit for bit.  Between two frames ``nearest`` takes the nearer one
    (the earlier at half way), ``blend`` fades from one to the other, ``motion`` moves what moves.  Memory
    beside the result is that of one pair of frames.

    Raises ``ContractError`` for other frames, and for positions outside of them or not finite.
    """
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or frames.size == 0:
        raise ContractError(f"frames are {frames.dtype} {frames.shape}; expected uint8 (T, H, W, 3), T ≥ 1")
    outside = ~((positions >= 0) & (positions <= len(frames) - 1))  # also true of what is not a number
    if positions.ndim != 1 or outside.any():
        found = positions[outside][0] if positions.ndim == 1 else f"of shape {positions.shape}"
        raise ContractError(f"positions must be (N,), each in 0–{len(frames) - 1}; got {found}")
    if resampling == "nearest":
        return frames[np.ceil(positions - 0.5).astype(np.int64)]
    result = np.empty((len(positions), *frames.shape[1:]), np.uint8)
    for out, picture in zip(result, _pictures(frames, positions, resampling), strict=True):
        out[...] = picture
    return result


def _pictures(frames: Frames, positions: FloatArray, resampling: Resampling) -> Iterator[Image]:
    motion: _Motion | None = None
    known = -1  # first frame of the pair whose motion that is
    for position in positions.tolist():
        nearest = round(position)
        if abs(position - nearest) < POSITION_TOLERANCE:
            yield frames[nearest]
            continue
        first = int(position)
        share = position - first
        pair = frames[first], frames[first + 1]
        if resampling == "blend" or min(pair[0].shape[:2]) < SMALLEST_PX:
            yield _rounded(_faded(*pair, share))
            continue
        if motion is None or first != known:
            motion, known = _Motion.between(*pair), first
        yield _moved(*pair, motion, share)


@dataclass(frozen=True)
class _Motion:
    """Flow from the earlier frame to the later one and back, each on the grid of its own frame.

    A weight is near 1 where the flow leads to a pixel whose own flow leads back, and 0 where it does not:
    such a pixel is covered in the other frame and was matched to something else.  ``followed`` is the
    share of all that differs between the frames, at one place, that lies on pixels of such weight.
    """

    forwards: Flow
    backwards: Flow
    forwards_weight: Plane
    backwards_weight: Plane
    followed: float

    @classmethod
    def between(cls, early: Image, late: Image) -> _Motion:
        # One object must not serve two threads: it keeps buffers.
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        dis.setFinestScale(0)  # the preset stops at half the size, which costs 2 dB and more
        grey = [cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in (early, late)]
        there = dis.calc(grey[0], grey[1], np.empty((0, 0), np.float32)).astype(np.float32, copy=False)
        back = dis.calc(grey[1], grey[0], np.empty((0, 0), np.float32)).astype(np.float32, copy=False)
        there_weight = _agreement(-_sampled(back, there), there)
        back_weight = _agreement(-_sampled(there, back), back)
        change = cv2.absdiff(*grey).astype(np.float32)
        followed = float((change * (there_weight + back_weight)).sum() / max(2 * change.sum(), 1))
        return cls(there, back, there_weight, back_weight, followed)


def _moved(early: Image, late: Image, motion: _Motion, share: float) -> Image:
    """The picture ``share`` of the way from ``early`` to ``late``.

    A neighbour counts where its own flow agrees with the motion found here: elsewhere the pixel is
    covered in it.  Where neither agrees the two are faded, and so are whole frames of which flow follows
    too little (a cut, or a motion too far).
    """
    if motion.followed < FOLLOWED_SHARE:
        return _rounded(_faded(early, late, share))
    flow = _carried(motion, share)
    to_early, to_late = np.float32(-share) * flow, np.float32(1 - share) * flow
    sees_early = _agreement(_sampled(motion.forwards, to_early), flow)
    sees_late = _agreement(-_sampled(motion.backwards, to_late), flow)
    weight_early, weight_late = np.float32(1 - share) * sees_early, np.float32(share) * sees_late
    total = np.maximum(weight_early + weight_late, np.float32(1e-6))
    along = (weight_early / total)[..., None] * _sampled(early.astype(np.float32), to_early)
    along += (weight_late / total)[..., None] * _sampled(late.astype(np.float32), to_late)
    trust = np.maximum(sees_early, sees_late)[..., None]
    return _rounded(trust * along + (1 - trust) * _faded(early, late, share))


def _carried(motion: _Motion, share: float) -> Flow:
    """Both flows, as motion from early to late, brought to where their pixels are at ``share``."""
    height, width = motion.forwards.shape[:2]
    landed = np.zeros((3, height * width))
    for own, sense, way, weight in (
        (motion.forwards, 1, share, motion.forwards_weight),
        (motion.backwards, -1, 1 - share, motion.backwards_weight),
    ):
        x, y = _places(np.float32(way) * own)
        column = np.rint(x).clip(0, width - 1).astype(np.int64)
        row = np.rint(y).clip(0, height - 1).astype(np.int64)
        place = (row * width + column).ravel()
        weight = weight + np.float32(1e-2)  # better than a hole
        for total, value in zip(
            landed, (sense * weight * own[..., 0], sense * weight * own[..., 1], weight), strict=True
        ):
            total += np.bincount(place, value.ravel(), minlength=height * width)
    mass = np.ascontiguousarray(landed.astype(np.float32).reshape(3, height, width).transpose(1, 2, 0))
    near = cv2.GaussianBlur(mass, (0, 0), SPREAD_PX)
    wide = cv2.GaussianBlur(mass, (0, 0), WIDE_SPREAD_PX)
    near = cv2.addWeighted(near, 1, wide, 1e-4, 1e-12)
    return (near[..., :2] / near[..., 2:]).astype(np.float32, copy=False)


def _agreement(one: Flow, other: Flow) -> Plane:
    """How far two motions are the same: 1 where they are, falling to 0, (H, W)."""
    dx, dy = one[..., 0] - other[..., 0], one[..., 1] - other[..., 1]
    size = other[..., 0] * other[..., 0] + other[..., 1] * other[..., 1]
    agreement: Plane = np.exp(-(dx * dx + dy * dy) / (1 + np.float32(AGREEMENT_SHARE**2) * size))
    return agreement


def _places(offset: Flow) -> tuple[Plane, Plane]:
    """Column and row of every pixel plus its ``offset``."""
    height, width = offset.shape[:2]
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    return offset[..., 0] + x, offset[..., 1] + y


def _sampled(picture: npt.NDArray[np.float32], offset: Flow) -> npt.NDArray[np.float32]:
    """``picture`` read at every pixel's place plus ``offset``; beyond the edge, its last pixel."""
    x, y = _places(offset)
    found = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found.astype(np.float32, copy=False)


def _faded(early: Image, late: Image, share: float) -> npt.NDArray[np.float32]:
    return (1 - np.float32(share)) * early + np.float32(share) * late


def _rounded(picture: npt.NDArray[np.float32]) -> Image:
    image: Image = np.rint(picture).clip(0, 255).astype(np.uint8)
    return image

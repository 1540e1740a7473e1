"""What a triplet is. Plain frozen dataclasses; this file knows nothing of disks, codecs or models.

Letters used everywhere: T frames, H and W pixels, P patches, D feature channels, C motion channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from data.errors import ConfigError, ContractError

Frames = npt.NDArray[np.uint8]  # (T, H, W, 3) RGB
Image = npt.NDArray[np.uint8]  # (H, W, 3) RGB
FloatArray = npt.NDArray[np.float64]

SCHEMA_VERSION = 1


class Category(StrEnum):
    """What changes between reference and positive, spelled as the published data set spells it."""

    STATIC_OBJECT = "static_object"
    DYNAMIC_OBJECT = "dynamic_object"
    DYNAMIC_ATTRIBUTE = "dynamic_attribute"
    SCENE_STYLE = "scene_style"
    VIEW = "view"


class Role(StrEnum):
    """The three clips of a triplet."""

    REFERENCE = "reference"
    POSITIVE = "positive"
    NEGATIVE = "negative"


@dataclass(frozen=True, order=True)
class Factors:
    """The controlled choices behind one clip. Values are keys of the vocabularies in ``prompts``."""

    subject: str
    motion: str
    setting: str
    scenery: str
    appearance: str
    style: str
    camera: str


@dataclass(frozen=True)
class Prompts:
    """The four texts of a triplet: first frame, its edit, the shared motion, the other motion."""

    base: str
    modification: str
    motion: str
    negative_motion: str


@dataclass(frozen=True)
class Plan:
    """Everything that is decided about a triplet before anything is made.

    ``factors`` belong to the reference; ``positive`` are the same but for what the category changes;
    the negative is the reference with ``negative_motion``.  ``seed`` (0 ≤ seed < 2**63) drives
    whatever the factors leave open.
    """

    triplet_id: str
    category: Category
    factors: Factors
    positive: Factors
    negative_motion: str
    prompts: Prompts
    seed: int

    def factors_of(self, role: Role) -> Factors:
        """The factors that the clip of this role shows."""
        match role:
            case Role.REFERENCE:
                return self.factors
            case Role.POSITIVE:
                return self.positive
            case Role.NEGATIVE:
                return Factors(**{**vars(self.factors), "motion": self.negative_motion})


@dataclass(frozen=True)
class ClipFormat:
    """Size and timing that every clip of a data set shares."""

    size_px: int = 512
    duration_seconds: float = 5.0
    fps: int = 16

    def __post_init__(self) -> None:
        if self.size_px <= 0 or self.size_px % 16:
            lower = max(16, self.size_px // 16 * 16)
            raise ConfigError(
                f"size {self.size_px} px is not a positive multiple of 16, which video models and encoders "
                f"need: use {lower} or {lower + 16}"
            )
        if self.fps < 1:
            raise ConfigError(f"fps is {self.fps}; it must be at least 1")
        if self.num_frames < 8:
            raise ConfigError(
                f"{self.duration_seconds} s at {self.fps} fps is {self.num_frames} frames; "
                "a motion needs at least 8: raise --seconds or --fps"
            )

    @property
    def num_frames(self) -> int:
        return round(self.duration_seconds * self.fps)


@dataclass(frozen=True)
class Clip:
    """The one canonical clip in memory: ``frames`` uint8 (T, H, W, 3) RGB at a constant ``fps``."""

    frames: Frames
    fps: float

    def __post_init__(self) -> None:
        if self.frames.dtype != np.uint8 or self.frames.ndim != 4 or self.frames.shape[-1] != 3:
            raise ContractError(
                f"clip frames must be uint8 (T, H, W, 3), got {self.frames.dtype} {self.frames.shape}"
            )
        if not self.fps > 0:
            raise ContractError(f"clip fps must be positive, got {self.fps}")

    @property
    def duration_seconds(self) -> float:
        return len(self.frames) / self.fps


@dataclass(frozen=True)
class Trajectory:
    """The true motion of one clip, where the generator knows it.

    ``channels`` float64 (T, C) are the body-independent motion channels (two bodies that carry the
    same motion have them equal to the last bit); ``channel_names`` names the C columns.
    ``joints`` float64 (T, J, 3) are world positions in metres (z up) and ``joints_px`` float64
    (T, J, 2) their pixel positions; ``joint_names`` names the J rows.
    """

    channels: FloatArray
    channel_names: tuple[str, ...]
    joints: FloatArray
    joint_names: tuple[str, ...]
    joints_px: FloatArray = field(repr=False)

    def __post_init__(self) -> None:
        frames = len(self.channels)
        expected = {
            "channels": (frames, len(self.channel_names)),
            "joints": (frames, len(self.joint_names), 3),
            "joints_px": (frames, len(self.joint_names), 2),
        }
        for name, shape in expected.items():
            got = getattr(self, name).shape
            if got != shape:
                raise ContractError(f"trajectory {name} must have shape {shape}, got {got}")


# Columns of numbers that the verdict computes for each triplet, in the order in which they are stored.
# Per clip, prefixed with the role:
#   motion               mean change of the patch descriptor a second, 0 for a still picture
#   largest_cut          largest frame-to-frame change over the typical one; a hard cut stands far out
#   darkest_luma         mean luma of the darkest frame, 0–255
#   spf_range_radians    raw range of the Semantic Progress Function
#   spf_rms_deviation    RMS deviation of the normalised progress from the straight line (0: linear)
# Per triplet:
#   synchrony            order-aware agreement of reference and positive at lag 0, 1 for the same motion:
#                        the mean of three correlations, one of features and two of optical flow
#   synchrony_features   what the features say of it alone
#   synchrony_flow       what the flow says of it alone: its energy and how it returns
#   synchrony_lag_frames lag at which they agree best; positive: the positive clip is late
#   weakest_synchrony, weakest_synchrony_frame
#                        the lowest agreement around one frame, and which frame that is, from 0
#   positive_to_reference_motion
#                        how many times as much the positive flows as the reference, 0.01–100
#   still_alone_frames   most frames in which one of the two moves during one rest of the other
#   bleeding             share of what happens at the seam of one canvas that both sides have alike, 0–1
#   negative_synchrony   the same agreement of reference and negative
#   motion_difference    1 - negative_synchrony at its best lag
#   first_frame_psnr_db  reference against negative, first decoded frame
#   sm_*                 SemanticMoments similarity (released form), and positive minus negative
#   mean_*               mean-pooled baseline similarity, and positive minus negative
CLIP_MEASURES = ("motion", "largest_cut", "darkest_luma", "spf_range_radians", "spf_rms_deviation")
TRIPLET_MEASURES = (
    "synchrony",
    "synchrony_features",
    "synchrony_flow",
    "synchrony_lag_frames",
    "weakest_synchrony",
    "weakest_synchrony_frame",
    "positive_to_reference_motion",
    "still_alone_frames",
    "bleeding",
    "negative_synchrony",
    "motion_difference",
    "first_frame_psnr_db",
    "sm_positive",
    "sm_negative",
    "sm_margin",
    "mean_positive",
    "mean_negative",
    "mean_margin",
)
MEASURES = (*(f"{role}_{name}" for role in Role for name in CLIP_MEASURES), *TRIPLET_MEASURES)


@dataclass(frozen=True)
class Blob:
    """Bytes in the store, addressed by their content."""

    sha256: str
    num_bytes: int
    suffix: str  # with the dot: ".mp4"


@dataclass(frozen=True)
class Triplet:
    """One accepted triplet, ready to be written as a row. Small: clips stay in the store as blobs.

    ``seed`` is the attempt's own seed, ``attempt`` counts from 0.  ``trajectories`` holds one ``.npz``
    blob per role when the generator knows the true motion.  ``spf`` is the normalised progress of
    every frame (T values in [0, 1]) per role.
    """

    plan: Plan
    attempt: int
    seed: int
    format: ClipFormat
    clips: dict[Role, Blob]
    trajectories: dict[Role, Blob] | None
    prompt_writer: str
    image_generator: str
    image_revision: str
    video_generator: str
    video_revision: str
    measures: dict[str, float]
    spf: dict[Role, tuple[float, ...]]
    licence: str
    ai_generated: bool


@dataclass(frozen=True)
class Reject:
    """One attempt that did not pass, a row of ``rejects.jsonl``. ``kind`` is rejected or failed."""

    triplet_id: str
    category: Category
    attempt: int
    seed: int
    stage: str
    kind: str
    reason: str
    detail: str
    measures: dict[str, float]

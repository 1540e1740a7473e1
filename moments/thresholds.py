"""The gates of the verdict as numbers.

Light to import: a recipe is checked against them before torch is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """What a triplet must hold. Named for the measures; defaults are calibrated on rendered triplets.

    ``max_lag_frames`` bounds the best lag of reference and positive; lags up to ``search_lag_frames``
    are tried.  ``max_motion_ratio`` bounds how many times as much one of the two may move as the other.
    ``max_spf_jump`` bounds the share of a clip's semantic progress that one frame may make;
    it is asked only where the progress can be interpreted and no cut explains the jump.
    """

    min_motion: float = 0.05
    max_motion_ratio: float = 5.0
    max_still_alone_frames: int = 6
    max_cut: float = 12.0
    min_luma: float = 8.0
    min_synchrony: float = 0.52
    max_lag_frames: int = 2
    search_lag_frames: int = 8
    max_bleeding: float = 0.4
    min_motion_difference: float = 0.3
    min_first_frame_psnr_db: float = 30.0
    max_spf_jump: float = 0.5

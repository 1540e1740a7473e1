"""The gates of the verdict as numbers.

Light to import: a recipe is checked against them before torch is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """What a triplet must hold. Named for the measures; defaults are calibrated on rendered triplets.

    ``max_lag_frames`` bounds the best lag of reference and positive; lags up to ``search_lag_frames``
    are tried.  ``max_spf_jump`` bounds the share of a clip's semantic progress that one frame may make;
    it is asked only where the progress can be interpreted and no cut explains the jump.
    """

    min_motion: float = 0.05
    max_cut: float = 12.0
    min_luma: float = 8.0
    min_synchrony: float = 0.5
    max_lag_frames: int = 2
    search_lag_frames: int = 8
    min_motion_difference: float = 0.1
    min_first_frame_psnr_db: float = 30.0
    max_spf_jump: float = 0.5

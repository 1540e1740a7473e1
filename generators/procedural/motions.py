"""What moves: every motion by name, as curves of body-independent channels over time.

Knows no body: how long a leg is and what a wheel does with a distance is decided in the bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from data.schema import FloatArray
from generators.procedural import gestures, leaps, travel
from generators.procedural.channels import CHANNEL_NAMES, Beat, Channels
from generators.procedural.choice import choose
from generators.procedural.performance import performance

Motion = Callable[[Beat, np.random.Generator], Channels]

MOTIONS: dict[str, Motion] = {
    "walk": travel.walk,
    "run": travel.run,
    "jump": leaps.jump,
    "bounce": leaps.bounce,
    "hop_sideways": leaps.hop_sideways,
    "roll": travel.roll,
    "spin": travel.spin,
    "orbit": travel.orbit,
    "zigzag": travel.zigzag,
    "wave": gestures.wave,
    "bow": gestures.bow,
    "crouch": gestures.crouch,
    "sway": gestures.sway,
    "nod": gestures.nod,
    "flap": gestures.flap,
    "swing": gestures.swing,
    "open": gestures.open_and_shut,
    "shake": gestures.shake,
    "slide": travel.slide,
}


def motion_channels(
    motion: str, num_frames: int, fps: float, seed: int | Sequence[int]
) -> tuple[FloatArray, tuple[str, ...]]:
    """The channels of ``motion``: float64 (T, C), and the C names. All 0 in the first frame.

    Raises ``ConfigError`` for a motion that is not known.
    """
    shape = choose("motion", motion, MOTIONS)
    seconds = np.arange(num_frames) / fps
    duration = float(seconds[-1])
    # Of two motions with one seed, such as a reference's and its negative's, each has a timing of its own.
    chance = np.random.default_rng([*np.atleast_1d(seed).tolist(), list(MOTIONS).index(motion)])
    beat = Beat(seconds, duration, fps, performance(seconds, duration, chance))
    columns = shape(beat, chance)
    channels = np.zeros((num_frames, len(CHANNEL_NAMES)))
    for name, curve in columns.items():
        channels[:, CHANNEL_NAMES.index(name)] = curve
    return channels, CHANNEL_NAMES

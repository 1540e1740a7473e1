"""How well a measured pace is the true one: sequences of known pacing, after the paper's synthetic tests.

``python -m tests.benchmarks.bench_pacing [NAME[=WEIGHTS] …]``. For every embedder (hog unless others are
named), the largest and the RMS distance of the progress found from the progress rendered, over three kinds of
content and four courses of it, plain and with distracting pixel motion. The range says how much there was to
see: below its floor a pace is not interpreted.
"""

from __future__ import annotations

import sys
from typing import get_args

import numpy as np

from data.schema import FloatArray
from flows.backbones import Options, embedder, parse_backbone
from generators.procedural.paced import PROFILES, Kind, paced_sequence
from moments.frame_embeddings import frame_embeddings
from moments.progress import semantic_progress

NUM_FRAMES, SIZE_PX = 81, 224


def main(names: list[str]) -> None:
    """Print a row for each content, course and distraction, and the means of each embedder."""
    time: FloatArray = np.linspace(0.0, 1.0, NUM_FRAMES, dtype=np.float64)
    sequences = [
        (kind, course, distracted, profile(time))
        for kind in get_args(Kind)
        for course, profile in PROFILES.items()
        for distracted in (False, True)
    ]
    for name in names:
        backbone = embedder(parse_backbone(name), Options())
        print(f"{backbone.facts.title}, {NUM_FRAMES} frames of {SIZE_PX} px")
        print(f"{'content':<10} {'course':<10} {'pixels':<11} {'max':>6} {'rms':>6} {'range, rad':>11}")
        errors = []
        for kind, course, distracted, truth in sequences:
            frames = paced_sequence(kind, truth, SIZE_PX, distracted=distracted)
            found = semantic_progress(frame_embeddings([frames], backbone))
            error = np.abs(found.progress - truth)
            errors.append((distracted, error.max(), np.sqrt(np.mean(error**2))))
            pixels = "distracted" if distracted else "plain"
            print(
                f"{kind:<10} {course:<10} {pixels:<11} {error.max():6.3f} {errors[-1][2]:6.3f} "
                f"{found.range_radians:11.2f}{'' if found.interpretable else '  not interpretable'}"
            )
        for pixels, wanted in (("plain", False), ("distracted", True)):
            largest, rms = np.mean([[most, root] for own, most, root in errors if own == wanted], axis=0)
            print(f"{'mean':<10} {'':<10} {pixels:<11} {largest:6.3f} {rms:6.3f}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["hog"])

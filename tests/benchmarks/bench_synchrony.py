"""How well the proof of synchrony tells pairs that move as one from pairs that do not, and leaks from none.

``python -m tests.benchmarks.bench_synchrony DATA_SET [--picture FILE.png] [--every N]``: every N-th triplet
of a built data set.  Its pairs are in sync by construction; each fault is made from them.  Printed are
areas under the ROC curve for each fault and category, what the default gates accept and catch, the same
for leaks mixed in across the seam, and the seconds that the verdict takes.  A shifted pair loses the
frames that only one of the two would show, so that no jump and no length gives it away.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import rankdata

from data.schema import Category, Role
from data.shards import read_rows
from data.video import decode
from moments.bleeding import bleeding
from moments.flow_synchrony import Movement, motion_ratio, movement, pair_synchrony, still_alone_frames
from moments.gates import judge
from moments.hof import flow_of_luma
from moments.hog import hog_of_luma, luma
from moments.thresholds import Thresholds

FloatArray = npt.NDArray[np.float64]
Pictures = npt.NDArray[np.float32]  # luma (T, 128, 128)
Order = npt.NDArray[np.intp]  # which frame of the clip is shown at each moment

LIMITS = Thresholds()
BLEND_PX, BLEND_FRAMES = 10, 8
TIMED_TRIPLETS = 8


@dataclass(frozen=True)
class Scores:
    """What is measured on one pair."""

    all_evidence: float
    features: float
    flow: float
    caught: bool


class Footage:
    """One decoded clip; flow between neighbours is computed once, whatever order they are shown in."""

    def __init__(self, pictures: torch.Tensor) -> None:
        self.features = hog_of_luma(pictures).numpy()
        self.pictures = pictures.numpy()
        self.rounded = pictures.round().to(torch.uint8).numpy()
        self.flow = flow_of_luma(self.rounded)
        self._shown: dict[bytes, Movement] = {}

    def shown(self, order: Order) -> Movement:
        """The movement of the clip whose frames are shown in another order, or in part."""
        if (known := self._shown.get(order.tobytes())) is not None:
            return known

        def between(early: int, late: int) -> npt.NDArray[np.float32]:
            one_on = late == early + 1
            return np.asarray(self.flow[early] if one_on else flow_of_luma(self.rounded[[early, late]])[0])

        flow = np.stack([between(early, late) for early, late in pairwise(order.tolist())])
        return self._shown.setdefault(order.tobytes(), movement(self.features[order], flow))


def faults(num_frames: int) -> dict[str, tuple[Order, Order]]:
    """For each fault the frames that the reference shows, and those that the positive shows."""
    all_frames = np.arange(num_frames)
    faster = np.round(np.arange(int(num_frames / 1.5)) * 1.5).astype(np.intp)
    made: dict[str, tuple[Order, Order]] = {"in sync": (all_frames, all_frames)}
    for shift in (4, 8):
        made[f"{shift} frames late"] = (all_frames[shift:], all_frames[:-shift])
        made[f"{shift} frames early"] = (all_frames[:-shift], all_frames[shift:])
    made["backwards"] = (all_frames, all_frames[::-1])
    made["1.5 times as fast"] = (all_frames[: len(faster)], faster)
    for share in (0.5, 0.7):
        made[f"frozen after {share:.0%}"] = (all_frames, all_frames.clip(max=int(share * num_frames)))
    made["static"] = (all_frames, np.zeros_like(all_frames))
    return made


def compared(first: Movement, second: Movement) -> Scores:
    found = pair_synchrony(first, second, max_lag_frames=LIMITS.search_lag_frames)
    ratio = motion_ratio(first, second)
    caught = (
        found.whole.score < LIMITS.min_synchrony
        or abs(found.whole.best_lag_frames) > LIMITS.max_lag_frames
        or still_alone_frames(first, second) > LIMITS.max_still_alone_frames
        or not 1 / LIMITS.max_motion_ratio <= ratio <= LIMITS.max_motion_ratio
    )
    return Scores(found.whole.score, found.features_score, found.flow_score, caught)


def pair_scores(footage: list[Footage], stranger: Footage) -> dict[str, Scores]:
    """By fault, of a triplet's clips and the positive of another one."""
    reference, positive, negative = footage
    scores = {
        name: compared(reference.shown(first), positive.shown(second))
        for name, (first, second) in faults(len(reference.features)).items()
    }
    for name, other in (("its negative", negative), ("another's positive", stranger)):
        frames = np.arange(len(reference.features))
        scores[name] = compared(reference.shown(frames), other.shown(frames))
    return scores


def blended(first: Pictures, second: Pictures, strength: float) -> tuple[Pictures, Pictures]:
    """Each half's border mirrored into the other, most at the seam, growing from the first frame on."""
    ramp = np.minimum(np.arange(len(first)) / BLEND_FRAMES, 1)[:, None, None]
    share = (strength * ramp * (1 - np.arange(BLEND_PX) / BLEND_PX)).astype(np.float32)
    first, second = first[:, :, ::-1].copy(), second.copy()
    left, right = first[:, :, :BLEND_PX].copy(), second[:, :, :BLEND_PX].copy()
    first[:, :, :BLEND_PX] += share * (right - left)
    second[:, :, :BLEND_PX] += share * (left - right)
    return first[:, :, ::-1].round(), second.round()


def crossed(first: Pictures, second: Pictures, rng: np.random.Generator) -> tuple[Pictures, Pictures]:
    """A striped disc that travels over the seam, at a row, in a direction and at a time by chance."""
    num_frames, height, width = first.shape
    canvas = np.concatenate([first, second], axis=2)
    y, x = np.mgrid[:height, : 2 * width]
    radius, row, grey, period = rng.uniform([8, 20, 0, 5], [16, height - 20, 255, 12])
    start, end = width + rng.permutation([-1, 1]) * rng.uniform(20, 60, 2)
    begins = int(rng.integers(num_frames // 10, num_frames // 2))
    for frame in range(begins, num_frames):
        centre = start + (end - start) * (frame - begins) / (num_frames - 1 - begins)
        cover = np.clip(radius - np.hypot(y - row, x - centre), 0, 1)
        stripes = np.clip(grey + 40 * np.sin(2 * np.pi * (x - centre) / period), 0, 255)
        canvas[frame] += cover * (stripes - canvas[frame])
    canvas = canvas.round()
    return canvas[:, :, :width], canvas[:, :, width:]


def hardened(
    first: Pictures, second: Pictures, rng: np.random.Generator
) -> dict[str, tuple[Pictures, Pictures]]:
    """The pair as it is, cut so close that bodies leave the picture, and under one flickering light."""
    quarter = first.shape[2] // 4
    close = np.s_[:, :, quarter:-quarter]
    light = 1 + 0.0067 * rng.normal(size=(len(first), 1, 1)).cumsum(axis=0).astype(np.float32)
    lit = [(clip * light).clip(0, 255).round() for clip in (first, second)]
    return {
        "as rendered": (first, second),
        "cut close": (first[close], second[close]),
        "flicker": (lit[0], lit[1]),
    }


def leak_scores(first: Pictures, second: Pictures, rng: np.random.Generator) -> dict[str, dict[str, float]]:
    scores: dict[str, dict[str, float]] = {}
    for kind, (left, right) in hardened(first, second, rng).items():
        leaks = {"none": (left, right), "a disc crosses": crossed(left, right, rng)}
        leaks |= {f"{share:.0%} blended": blended(left, right, share) for share in (0.05, 0.1, 0.2, 0.3)}
        scores[kind] = {name: bleeding(*halves, "side_by_side") for name, halves in leaks.items()}
    return scores


def roc_area(right: FloatArray, wrong: FloatArray) -> float:
    """Chance that a right one scores above a wrong one, ties counted half."""
    ranks = rankdata(np.concatenate([right, wrong]))[: len(right)]
    return float((ranks.sum() - len(right) * (len(right) + 1) / 2) / (len(right) * len(wrong)))


def triplets(folder: Path, every: int) -> Iterator[tuple[Category, list[npt.NDArray[np.uint8]]]]:
    paths = sorted((folder / "data").glob("*.parquet"))
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "clip.mp4"
        for index, row in enumerate(read_rows(paths, ["category", *Role])):
            if index % every == 0:
                clips = []
                for role in Role:
                    path.write_bytes(row[role]["bytes"])
                    clips.append(decode(path).frames)
                yield Category(row["category"]), clips


def table(heading: list[str], rows: list[list[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def synchrony_table(categories: npt.NDArray[np.str_], pairs: dict[str, list[Scores]]) -> str:
    def area(fault: str, chosen: npt.NDArray[np.bool_], read: Callable[[Scores], float]) -> str:
        right, wrong = (
            np.array([read(scores) for scores in pairs[name]])[chosen] for name in ("in sync", fault)
        )
        return f"{roc_area(right, wrong):.4f}"

    def row(fault: str) -> list[str]:
        chosen = [np.ones(len(categories), bool), *(categories == category for category in Category)]
        whole = [area(fault, those, lambda scores: scores.all_evidence) for those in chosen if those.any()]
        alone = [area(fault, chosen[0], read) for read in (lambda s: s.features, lambda s: s.flow)]
        caught = np.mean([scores.caught for scores in pairs[fault]])
        return [fault, *whole, *alone, f"{caught:.1%}"]

    present = [category.value for category in Category if (categories == category).any()]
    heading = ["in sync against", "all", *present, "features alone", "flow alone", "caught"]
    return table(heading, [row(fault) for fault in pairs if fault != "in sync"])


def leak_table(leaks: dict[str, dict[str, list[float]]]) -> str:
    rows = []
    for kind, scores in leaks.items():
        for leak in (name for name in scores if name != "none"):
            wrong = np.array(scores[leak])
            area = roc_area(wrong, np.array(scores["none"]))
            rows.append([kind, leak, f"{area:.4f}", f"{np.mean(wrong > LIMITS.max_bleeding):.1%}"])
        clean = np.mean(np.array(scores["none"]) > LIMITS.max_bleeding)
        rows.append([kind, "none", "", f"{clean:.1%}"])
    return table(["clips", "leak", "area", "caught"], rows)


def draw(pairs: dict[str, list[Scores]], path: Path) -> None:
    """ROC curves by fault, the corner in which they differ."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), dpi=110)
    right = np.array([scores.all_evidence for scores in pairs["in sync"]])
    for index, fault in enumerate(name for name in pairs if name != "in sync"):
        wrong = np.array([scores.all_evidence for scores in pairs[fault]])
        limits = np.sort(np.concatenate([right, wrong, [-np.inf]]))[::-1]
        false, true = ([(scored >= limit).mean() for limit in limits] for scored in (wrong, right))
        style = ("-", "--", ":")[index // 5]
        axes.plot(false, true, style, linewidth=1.6, label=f"{fault}: {roc_area(right, wrong):.3f}")
    axes.set(xlim=(-0.003, 0.2), ylim=(0.8, 1.003))
    axes.set(xlabel="share of faulty pairs taken for in sync", ylabel="share of pairs in sync recognised")
    axes.set_title("Proof of synchrony: in sync against each fault, with ROC area", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data_set", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    pairs: dict[str, list[Scores]] = defaultdict(list)
    leaks: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    categories: list[str] = []
    seconds: list[float] = []
    stranger: Footage | None = None
    for category, clips in triplets(options.data_set, options.every):
        footage = [Footage(luma(frames)) for frames in clips]
        if stranger is not None:  # the first has nobody to be compared with
            categories.append(category.value)
            for fault, scores in pair_scores(footage, stranger).items():
                pairs[fault].append(scores)
            for kind, found in leak_scores(footage[0].pictures, footage[1].pictures, rng).items():
                for leak, score in found.items():
                    leaks[kind][leak].append(score)
        stranger = footage[1]
        if len(seconds) < TIMED_TRIPLETS:
            began = time.process_time()
            judge(clips[0], clips[1], clips[2], 16.0, LIMITS)
            seconds.append(time.process_time() - began)
    taken = 1 - np.mean([scores.caught for scores in pairs["in sync"]])
    print(f"{len(categories)} pairs, of which the gates of synchrony accept {taken:.1%}\n")
    print(synchrony_table(np.array(categories), pairs), leak_table(leaks), sep="\n\n")
    print(f"\nverdict on a triplet of {clips[0].shape[1]} px: {np.median(seconds):.2f} s of one core")
    if options.picture:
        draw(pairs, options.picture)


if __name__ == "__main__":
    main()

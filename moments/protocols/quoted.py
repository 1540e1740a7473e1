"""The figures that the paper prints (arXiv 2602.09146), to stand beside ours; quoted, not measured.

It knows nothing of how they came about: percentages under the paper's names, and where they are printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PAPER = "arXiv 2602.09146"
AVERAGE = "average"
SYNTHETIC_COLUMNS = ("static_object", "dynamic_attribute", "dynamic_object", "view", "scene_style", AVERAGE)
JESTER_COLUMNS = ("majority", "weighted", "top5")
REAL_COLUMNS = ("accuracy",)


@dataclass(frozen=True)
class QuotedTable:
    """A printed table: percentages by row and column; ``source`` says which, ``note`` what to know."""

    source: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]
    note: str = ""

    def value(self, row: str, column: str) -> float | None:
        """Percentage as printed, None where the paper has none."""
        values = self.rows.get(row)
        return None if values is None or column not in self.columns else values[self.columns.index(column)]


TABLE_1 = QuotedTable(
    f"{PAPER}, Table 1, SimMotion-Synthetic",
    SYNTHETIC_COLUMNS,
    {
        "CLIP4Clip": (48, 64, 18, 62, 20, 42.2),
        "X-CLIP": (68, 80, 12, 64, 32, 51.2),
        "SlowFast": (86, 96, 74, 76, 58, 78.0),
        "TimeSformer": (76, 86, 36, 62, 32, 58.4),
        "VideoMoCo": (78, 84, 82, 46, 32, 64.4),
        "VideoMAE": (90, 98, 64, 78, 66, 79.2),
        "VideoPrism": (64, 90, 28, 68, 22, 54.4),
        "V-JEPA 2": (92, 98, 72, 64, 46, 74.4),
        "I3D": (98, 96, 74, 74, 80, 84.4),
        "CoCLR": (76, 82, 52, 40, 26, 55.2),
        "MaCLR": (56, 78, 68, 38, 10, 50.0),
        "DINOv2": (30, 88, 18, 62, 24, 44.4),
        "SM-DINOv2": (96, 98, 78, 82, 78, 86.4),
        "SM-VideoPrism": (94, 100, 56, 74, 74, 79.6),
        "SM-VideoMAE": (92, 94, 76, 82, 74, 83.6),
        "SM-V-JEPA 2": (100, 100, 80, 70, 72, 84.4),
    },
    note="As printed: the average of CLIP4Clip's own row is 42.4. I3D is RGB and flow.",
)

TABLE_2 = QuotedTable(
    f"{PAPER}, Table 2, SimMotion-Real-1K",
    REAL_COLUMNS,
    {
        "CLIP4Clip": (10,),
        "X-CLIP": (10,),
        "I3D": (27.5,),
        "CoCLR": (5,),
        "MaCLR": (2.5,),
        "SlowFast": (15,),
        "TimeSformer": (12.5,),
        "VideoMoCo": (12.5,),
        "VideoMAE": (17.5,),
        "VideoPrism": (12.5,),
        "V-JEPA 2": (27.5,),
        "DINOv2": (12.5,),
        "SM-DINOv2": (42.5,),
        "SM-VideoPrism": (22.5,),
        "SM-VideoMAE": (22.5,),
        "SM-V-JEPA 2": (27.5,),
    },
    note="40 queries among 1,000 candidates, whose list is not published.",
)

TABLE_3 = QuotedTable(
    f"{PAPER}, Table 3, Jester",
    JESTER_COLUMNS,
    {
        "X-CLIP": (26.0, 20.2, 42.2),
        "CLIP4Clip": (8.5, 8.3, 11.3),
        "TimeSformer": (16.7, 10.3, 20.1),
        "SlowFast": (19.7, 17.2, 34.8),
        "VideoMoCo": (12.1, 12.0, 24.4),
        "I3D": (26.8, 25.8, 53.2),
        "VideoMAE": (23.8, 22.7, 43.4),
        "V-JEPA 2": (12.5, 12.3, 20.7),
        "DINOv2": (8.5, 7.8, 9.7),
        "SM-DINOv2": (25.7, 25.0, 50.8),
        "SM-VideoMAE": (26.9, 26.5, 55.0),
        "SM-V-JEPA 2": (28.6, 28.3, 47.2),
    },
    note="K = 20; gallery, form of the weights and rule for ties are not printed.",
)

TABLE_4 = QuotedTable(
    f"{PAPER}, Table 4, SimMotion-Real-1K, SM-DINOv2",
    REAL_COLUMNS,
    {
        "(1, 0, 0)": (12.5,),
        "(0, 1, 0)": (10,),
        "(1, 1, 0)": (12.5,),
        "(1, 8, 0)": (15,),
        "(1, 1, 1)": (30,),
        "(1, 8, 4) patch concat": (42.5,),
        "(1, 8, 4) patch sum": (30,),
        "(1, 8, 4) frame concat": (12.5,),
        "(1, 8, 4) patch-difference concat": (22.5,),
    },
    note="The weights were chosen on the queries that they are reported on.",
)

TABLE_5 = QuotedTable(
    f"{PAPER}, Table 5, SimMotion-Real-1K, SM-DINOv2",
    REAL_COLUMNS,
    {
        "4 frames": (22.5,),
        "8 frames": (35,),
        "16 frames": (40,),
        "32 frames": (42.5,),
        "64 frames": (35,),
    },
    note="The number of frames was chosen on the queries that it is reported on.",
)

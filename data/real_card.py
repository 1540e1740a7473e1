"""The card of a set of real clips, and the one card of a folder that holds a synthetic set as well.

Knows nothing of shards; every text from a manifest is escaped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from data import card
from data.card import FILENAME, dataset_info, escaped, one_line, rendered, size_category, table
from data.columns import SCHEMA
from data.disk import write_atomically
from data.finished import REAL, SYNTHETIC
from data.manifest import Manifest
from data.real_columns import ANNOTATIONS, TRIPLETS
from data.real_manifest import GOLD, RealManifest

__all__ = ["FILENAME", "render", "render_both", "write"]

_TAGS = ["video", "motion", "motion-similarity", "retrieval", "benchmark"]
_LICENCE = {"license": "other", "license_name": "each-clip-its-own"}
_EXPORTS = {
    "full": "The clips themselves are part of the rows.",
    "references": "The clips themselves are **not** part of this data set: each row says where its clips can "
    "be cut anew (address and SHA-256 of the video, first frame, timecodes) and the SHA-256 that the clip "
    "then has. `references.csv` says the same, one clip a line.",
}
_COLUMNS = """\
- For each of `reference`, `positive` and `negative`: the clip's `sha256`, the video it was cut from
  (`address`, `source_sha256`, `first_frame`, seconds and timecodes), and by what right (`author`,
  `licence`, `licence_evidence`, `licence_checked_at`).
- `looks_alike` and `moves_alike`: how reference and negative stand, 0–1, among pairs of strangers.
- `candidates`: every clip that people ranked, best first, with its Plackett–Luce log-odds and interval.
- `people_…`: how many ranked, could not judge or could not play the clips; the winner's lead over the
  next with its interval; Kendall's W, mean pairwise tau, and the median time.
- The configuration `annotations` holds every answer as it came. Annotators have pseudonyms, times are
  days only. `uncounted` says why an answer does not count.
"""
_LIMITS = """\
- The positive is the clip that people found most alike in motion among a few candidates, not a copy of
  the reference's motion.
- Rejected and undecided items are counted above; their answers are in `annotations`, their clips nowhere.
  Of candidates that people did not put first there is the SHA-256 alone.
- SemanticMoments similarities do not depend on the order of frames.
"""


def render(facts: RealManifest) -> str:
    """The whole card: YAML front matter for the Hub, then the text."""
    title = _title(facts)
    front_matter = {
        "pretty_name": title,
        **_LICENCE,
        "language": ["en"],
        "annotations_creators": ["crowdsourced"],
        "source_datasets": ["original"],
        "size_categories": [size_category(facts.counts.accepted)],
        "task_categories": ["video-classification", "feature-extraction"],
        "tags": _TAGS,
        **_configurations(_real_configurations(facts, "", default=True)),
    }
    return rendered(front_matter, [f"# {escaped(title)}", *_sections(facts, "")])


def render_both(synthetic: Manifest, real: RealManifest) -> str:
    """The card of a folder that holds a synthetic set and a real one in ``SYNTHETIC`` and ``REAL``."""
    title = one_line(f"SimMotion {synthetic.recipe_name} and {real.recipe_name}")
    rows = synthetic.counts.accepted
    front_matter = {
        "pretty_name": title,
        **_LICENCE,
        "language": ["en"],
        "annotations_creators": ["machine-generated", "crowdsourced"],
        "source_datasets": ["original"],
        "size_categories": [size_category(rows + real.counts.accepted)],
        "task_categories": ["video-classification", "feature-extraction"],
        "tags": ["synthetic", *_TAGS],
        **_configurations(
            [
                *_configuration(
                    SYNTHETIC, f"{SYNTHETIC}/data", SCHEMA, rows, synthetic.num_clip_bytes, default=True
                ),
                *_real_configurations(real, f"{REAL}/", default=not rows),
            ]
        ),
    }
    return rendered(
        front_matter,
        [
            f"# {escaped(title)}",
            "Two sets of triplets in one: `synthetic` and `real`, each whole in the folder of its name, with "
            "its own manifest; `annotations` is what people said of the real ones.",
            *(_lowered(part) for part in card.sections(synthetic, f"{SYNTHETIC}/")),
            f"## {escaped(_title(real))}",
            *(_lowered(part) for part in _sections(real, f"{REAL}/")),
        ],
    )


def write(facts: RealManifest, path: Path) -> None:
    """Write the card, whole or not at all."""
    write_atomically(path, render(facts).encode())


def _sections(facts: RealManifest, folder: str) -> list[str]:
    counts = facts.counts
    gold = sum(outcome == GOLD for outcome in facts.items.values())
    licences = sorted((licence or "not given", n) for licence, n in facts.videos_by_licence.items())
    return [
        "Triplets of short clips cut from footage: a **reference**, a **positive** from another video that "
        "people found to move most alike, and a **negative** from the same video as the reference that looks "
        f"alike but moves differently. {_EXPORTS[facts.export]}",
        "## Counts",
        f"{counts.requested} items asked = {counts.accepted} accepted + {counts.num_rejected} rejected + "
        f"{counts.pending} undecided. {facts.num_annotations} answers by {facts.num_annotators} annotators; "
        f"items with known answers, which are not counted above: {gold}.",
        table(("reason", "items"), sorted(counts.rejected.items()))
        if counts.rejected
        else "No item was rejected.",
        "## Columns",
        _COLUMNS.strip(),
        "## Made with",
        table(("software", "version"), sorted(facts.software.items())),
        f"Recipe `{escaped(facts.recipe_name)}`, fingerprint `{escaped(facts.recipe_fingerprint)}`; "
        "the resolved recipe is in `manifest.json`.",
        "## Limits",
        _LIMITS.strip(),
        "## Loading",
        _loading(folder),
        "## Licence",
        "Each row its own: every clip keeps the licence of the video it was cut from, in "
        "`reference_licence`, `positive_licence` and `negative_licence`, with author and evidence beside it.",
        table(("licence", "videos"), licences) if licences else "There are no clips.",
    ]


def _loading(folder: str) -> str:
    return f"""\
```python
from datasets import Video, load_dataset

triplets = load_dataset("parquet", data_files="{folder}real/train-*.parquet", split="train")
for role in ("reference", "positive", "negative"):  # without torchcodec: bytes and name instead of a decoder
    triplets = triplets.cast_column(role, Video(decode=False))
```

```sql
SELECT triplet_id, people_lead, reference_licence FROM '{folder}real/*.parquet' ORDER BY people_lead DESC;
SELECT annotator, count(*) FROM '{folder}annotations/*.parquet' WHERE uncounted IS NULL GROUP BY annotator;
```"""


def _real_configurations(
    facts: RealManifest, folder: str, *, default: bool
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    rows = facts.counts.accepted
    return [
        *_configuration(REAL, f"{folder}real", TRIPLETS, rows, facts.num_clip_bytes, default=default),
        *_configuration(
            "annotations", f"{folder}annotations", ANNOTATIONS, facts.num_annotations, 0, default=False
        ),
    ]


def _configuration(
    name: str, folder: str, schema: pa.Schema, rows: int, num_bytes: int, *, default: bool
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What the front matter says of one configuration; nothing of one without rows, which has no file."""
    if not rows:
        return []
    files = [{"split": "train", "path": f"{folder}/train-*.parquet"}]
    named = {"config_name": name, **({"default": True} if default else {}), "data_files": files}
    return [(named, {"config_name": name, **dataset_info(schema, rows, num_bytes)})]


def _configurations(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    return {"configs": [config for config, _ in pairs], "dataset_info": [info for _, info in pairs]}


def _title(facts: RealManifest) -> str:
    return one_line(f"SimMotion {facts.recipe_name}, real clips")


def _lowered(part: str) -> str:
    """A heading one level further down; every other part as it is."""
    return f"#{part}" if part.startswith("#") else part

"""The data set card: a README that the Hub can index and a person can read, made from the manifest.

Knows nothing of shards; every text from the manifest is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from data.columns import SCHEMA, hub_feature
from data.disk import write_atomically
from data.manifest import Manifest

FILENAME = "README.md"
_HUB_LICENCES = frozenset(
    {"apache-2.0", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0", "mit", "odc-by"}
)
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LIMITS = """\
- Every clip is synthetic; nothing here shows that a result carries over to filmed motion.
- SemanticMoments similarities do not depend on the order of frames: a motion and its reversal look
  alike to them.
- `first_frame_psnr_db` and the gate numbers are measured on the encoded clips, not on the originals.
- Rejected attempts are not part of the data set; their reasons are counted above and listed in
  `rejects.jsonl`.
"""
_LOADING = """\
```python
from datasets import Video, load_dataset

triplets = load_dataset("parquet", data_files="data/train-*.parquet", split="train")
for role in ("reference", "positive", "negative"):  # without torchcodec: bytes and name instead of a decoder
    triplets = triplets.cast_column(role, Video(decode=False))
open("reference.mp4", "wb").write(triplets[0]["reference"]["bytes"])
```

```sql
SELECT triplet_id, reference_factors.motion, sm_margin FROM 'data/*.parquet' WHERE category = 'view';
```
"""


def render(manifest: Manifest) -> str:
    """The whole card: YAML front matter for the Hub, then the text."""
    head = yaml.safe_dump(_front_matter(manifest), sort_keys=False, allow_unicode=True)
    counts = manifest.counts
    made_by = (
        "trained generative models" if manifest.ai_generated else "a renderer that knows the true motion"
    )
    lost = [
        (kind, reason, n) for kind in ("rejected", "failed") for reason, n in getattr(counts, kind).items()
    ]
    categories = sorted(manifest.accepted_by_category.items())
    sections = [
        f"# {_escaped(_title(manifest))}",
        "Triplets of short clips: a **reference**, a **positive** that moves exactly alike but looks "
        "different, and a **negative** that looks alike but moves differently. The category says what "
        f"differs in the positive. All clips are synthetic, made by {made_by}.",
        "## Counts",
        f"{counts.requested} requested = {counts.accepted} accepted + "
        f"{counts.num_rejected} rejected + {counts.num_failed} failed + "
        f"{counts.pending} pending.",
        _table(("category", "triplets"), categories),
        _table(("outcome", "reason", "triplets"), lost) if lost else "No triplet was lost.",
        "## Factors",
        "Each clip has seven controlled factors, in `reference_factors`, `positive_factors` and "
        "`negative_factors`: subject, motion, setting, scenery, appearance, style, camera. The positive "
        "differs from the reference in what the category names, the negative in its motion.",
        "## Made with",
        _table(("what", "generator"), sorted(manifest.generators.items())),
        _table(("software", "version"), sorted(manifest.software.items())),
        f"Recipe `{_escaped(manifest.recipe_name)}`, fingerprint `{_escaped(manifest.recipe_fingerprint)}`; "
        "the resolved recipe is in `manifest.json`.",
        "## Retrieval",
        _retrieval(manifest.retrieval),
        "## Limits",
        _LIMITS.strip(),
        "## Loading",
        _LOADING.strip(),
        "## Licence",
        f"{_escaped(manifest.licence)}. Each row says so too, with `ai_generated` and the IPTC "
        "`digital_source_type`.",
    ]
    return f"---\n{head}---\n\n" + "\n\n".join(sections) + "\n"


def write(manifest: Manifest, path: Path) -> None:
    """Write the card, whole or not at all."""
    write_atomically(path, render(manifest).encode())


def _front_matter(manifest: Manifest) -> dict[str, Any]:
    licence = manifest.licence.lower()
    named = (
        {"license": licence}
        if licence in _HUB_LICENCES
        else {
            "license": "other",
            "license_name": _one_line(manifest.licence),
        }
    )
    rows = manifest.counts.accepted
    return {
        "pretty_name": _title(manifest),
        **named,
        "language": ["en"],
        "annotations_creators": ["machine-generated"],
        "source_datasets": ["original"],
        "size_categories": [next((name for limit, name in _SIZES if rows < limit), "1M<n<10M")],
        "task_categories": ["video-classification", "feature-extraction"],
        "tags": ["video", "synthetic", "motion", "motion-similarity", "retrieval", "benchmark"],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}
        ],
        "dataset_info": {
            "features": [_feature(field.name, field.type) for field in SCHEMA],
            "splits": [{"name": "train", "num_examples": rows, "num_bytes": manifest.num_clip_bytes}],
        },
    }


def _feature(name: str, kind: pa.DataType) -> dict[str, Any]:
    return {"name": name, **_feature_type(kind)}


def _feature_type(kind: pa.DataType) -> dict[str, Any]:
    """The Hub's YAML spelling of a type, which is not the JSON spelling that shards carry."""
    if hub_feature(kind).get("_type") == "Video":
        return {"dtype": "video"}
    if pa.types.is_struct(kind):
        return {"struct": [_feature(field.name, field.type) for field in kind]}
    if pa.types.is_list(kind):
        inner = _feature_type(kind.value_type)
        return {"list": inner.get("dtype", inner)}
    return {"dtype": hub_feature(kind)["dtype"]}


def _title(manifest: Manifest) -> str:
    return _one_line(f"SimMotion {manifest.recipe_name}")


def _retrieval(results: dict[str, dict[str, float]]) -> str:
    if not results:
        return "Not measured."
    columns = [*sorted({name for shares in results.values() for name in shares} - {"average"}), "average"]
    rows = [
        (method, *(f"{shares[name]:.1%}" if name in shares else "–" for name in columns))
        for method, shares in sorted(results.items())
    ]
    return "Share of references whose nearest clip is their own positive.\n\n" + _table(
        ("method", *columns), rows
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_escaped(str(cell)) for cell in line) + " |" for line in lines)


def _one_line(text: str) -> str:
    """Text without line breaks, which could end the front matter or a table."""
    return " ".join(text.split())


def _escaped(text: str) -> str:
    """Text that neither leaves its table cell nor becomes markup."""
    return _one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("`", "'")

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
from data.manifest import MOST_COMPARED, Manifest

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


def render(manifest: Manifest) -> str:
    """The whole card: YAML front matter for the Hub, then the text."""
    return rendered(_front_matter(manifest), sections(manifest))


def rendered(front_matter: dict[str, Any], parts: Iterable[str]) -> str:
    """A card of these parts."""
    head = yaml.safe_dump(front_matter, sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n\n" + "\n\n".join(parts) + "\n"


def sections(manifest: Manifest, folder: str = "") -> list[str]:
    """The headings and paragraphs of the text, the title first; ``folder``, with a slash, holds the set."""
    counts = manifest.counts
    made_by = (
        "trained generative models" if manifest.ai_generated else "a renderer that knows the true motion"
    )
    lost = [
        (kind, reason, n) for kind in ("rejected", "failed") for reason, n in getattr(counts, kind).items()
    ]
    categories = sorted(manifest.accepted_by_category.items())
    return [
        f"# {escaped(_title(manifest))}",
        "Triplets of short clips: a **reference**, a **positive** that moves exactly alike but looks "
        "different, and a **negative** that looks alike but moves differently. The category says what "
        f"differs in the positive. All clips are synthetic, made by {made_by}.",
        "## Counts",
        f"{counts.requested} requested = {counts.accepted} accepted + "
        f"{counts.num_rejected} rejected + {counts.num_failed} failed + "
        f"{counts.pending} pending.",
        table(("category", "triplets"), categories),
        table(("outcome", "reason", "triplets"), lost) if lost else "No triplet was lost.",
        "## Factors",
        "Each clip has seven controlled factors, in `reference_factors`, `positive_factors` and "
        "`negative_factors`: subject, motion, setting, scenery, appearance, style, camera. The positive "
        "differs from the reference in what the category names, the negative in its motion.",
        "## Made with",
        table(("what", "generator"), sorted(manifest.generators.items())),
        table(("software", "version"), sorted(manifest.software.items())),
        f"Recipe `{escaped(manifest.recipe_name)}`, fingerprint `{escaped(manifest.recipe_fingerprint)}`; "
        "the resolved recipe is in `manifest.json`.",
        "## Retrieval",
        _retrieval(manifest.retrieval),
        "## Limits",
        _LIMITS.strip(),
        "## Loading",
        _loading(folder),
        "## Licence",
        f"{escaped(manifest.licence)}. Each row says so too, with `ai_generated` and the IPTC "
        "`digital_source_type`.",
    ]


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
            "license_name": one_line(manifest.licence),
        }
    )
    rows = manifest.counts.accepted
    return {
        "pretty_name": _title(manifest),
        **named,
        "language": ["en"],
        "annotations_creators": ["machine-generated"],
        "source_datasets": ["original"],
        "size_categories": [size_category(rows)],
        "task_categories": ["video-classification", "feature-extraction"],
        "tags": ["video", "synthetic", "motion", "motion-similarity", "retrieval", "benchmark"],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}
        ],
        "dataset_info": dataset_info(SCHEMA, rows, manifest.num_clip_bytes),
    }


def dataset_info(schema: pa.Schema, rows: int, num_bytes: int) -> dict[str, Any]:
    """What the Hub shows of a configuration: its features and the size of its one split."""
    return {
        "features": [_feature(field.name, field.type) for field in schema],
        "splits": [{"name": "train", "num_examples": rows, "num_bytes": num_bytes}],
    }


def size_category(rows: int) -> str:
    """The Hub's word for so many rows."""
    return next((name for limit, name in _SIZES if rows < limit), "1M<n<10M")


def _feature(name: str, kind: pa.DataType) -> dict[str, Any]:
    """A column in the Hub's YAML spelling."""
    return {"name": name, **_feature_type(kind)}


def _feature_type(kind: pa.DataType) -> dict[str, Any]:
    """The Hub's YAML spelling of a type, which is not the JSON spelling that shards carry."""
    if hub_feature(kind).get("_type") == "Video":
        return {"dtype": "video"}
    if pa.types.is_struct(kind):
        return {"struct": [_feature(field.name, field.type) for field in kind]}
    if pa.types.is_list(kind):
        inner = _feature_type(kind.value_type)
        return {"list": next(iter(inner.values())) if inner.keys() <= {"dtype", "struct"} else inner}
    return {"dtype": hub_feature(kind)["dtype"]}


def _title(manifest: Manifest) -> str:
    return one_line(f"SimMotion {manifest.recipe_name}")


def _loading(folder: str) -> str:
    return f"""\
```python
from datasets import Video, load_dataset

triplets = load_dataset("parquet", data_files="{folder}data/train-*.parquet", split="train")
for role in ("reference", "positive", "negative"):  # without torchcodec: bytes and name instead of a decoder
    triplets = triplets.cast_column(role, Video(decode=False))
open("reference.mp4", "wb").write(triplets[0]["reference"]["bytes"])
```

```sql
SELECT triplet_id, reference_factors.motion, sm_margin FROM '{folder}data/*.parquet' WHERE category = 'view';
```"""


def _retrieval(results: dict[str, dict[str, float]]) -> str:
    if not results:
        return "Not measured."
    columns = [*sorted({name for shares in results.values() for name in shares} - {"average"}), "average"]
    rows = [
        (method, *(f"{shares[name]:.1%}" if name in shares else "–" for name in columns))
        for method, shares in sorted(results.items())
    ]
    asked = "Share of references whose nearest clip is their own positive"
    among = f"; of more than {MOST_COMPARED:,} triplets, so many at even distances are asked."
    return f"{asked}{among}\n\n{table(('method', *columns), rows)}"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, every cell escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(escaped(str(cell)) for cell in line) + " |" for line in lines)


def one_line(text: str) -> str:
    """Text without line breaks, which could end the front matter or a table."""
    return " ".join(text.split())


def escaped(text: str) -> str:
    """Text that neither leaves its table cell nor becomes markup, a link or a picture."""
    harmless = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace("`", "'")
    for sign in "\\[]|":
        harmless = harmless.replace(sign, f"\\{sign}")
    return harmless

"""The arrows of the house point down, and each foreign library has one room."""

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("flows", "prompts", "generators", "annotation", "moments", "data")

# Library → packages that may import it. A library that is not listed may be imported anywhere.
LIBRARIES = {
    "prefect": {"flows"},
    "typer": {"flows"},
    "rich": {"flows"},
    "pyarrow": {"data"},
    "av": {"data"},
    "ffmpeg": {"data"},
    "imageio_ffmpeg": {"data"},
    "label_studio_sdk": {"annotation"},
    "choix": {"annotation"},
    "krippendorff": {"annotation"},
    "scenedetect": {"data"},
    "openai": {"prompts"},
    "google.genai": {"generators"},
    "peft": {"generators"},
    "torch": {"moments", "generators"},
    "diffusers": {"moments", "generators"},
    "transformers": {"moments", "generators"},
    "safetensors": {"moments", "generators"},
    "huggingface_hub": {"moments", "generators"},
    "cv2": {"moments", "generators"},
    "faiss": {"moments"},
    "numba": {"generators"},
    "fsspec": {"data"},
    "s3fs": {"data"},
    "botocore": {"data"},
    **{name: {"flows"} for name in ("prefect_dask", "dask", "distributed", "prefect_ray", "ray")},
}
# Package → our packages that it may import besides itself.
ARROWS = {
    "flows": {"prompts", "generators", "annotation", "moments", "data"},
    "prompts": {"data"},
    "generators": {"data"},
    "annotation": {"data"},
    "moments": set(),
    "data": set(),
}


def breaches(package: str, source: str) -> list[str]:
    """Every import in ``source`` that a file of ``package`` may not have."""
    found = []
    for module in _imported(ast.parse(source)):
        top = module.split(".")[0]
        if top in PACKAGES and top != package and top not in ARROWS[package]:
            found.append(f"{package} imports our {module}")
        for library, allowed in LIBRARIES.items():
            if (module == library or module.startswith(f"{library}.")) and package not in allowed:
                found.append(f"{package} imports {module}, which belongs to {', '.join(sorted(allowed))}")
    return found


def _imported(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_file_breaks_a_boundary() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {breach}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for breach in dict.fromkeys(breaches(package, path.read_text(encoding="utf-8")))
    ]
    assert not found, "\n".join(found)


def test_the_table_catches_a_breach() -> None:
    assert breaches("data", "import prefect")
    assert breaches("moments", "from data.schema import Clip")
    assert breaches("flows", "def f():\n    import faiss")
    assert breaches("prompts", "def f():\n    from google import genai")
    assert breaches("generators", "import prompts.sampling")
    assert not breaches("flows", "import prefect\nfrom data.schema import Clip")


def test_asking_for_help_imports_nothing_heavy() -> None:
    heavy = ("prefect", "torch", "numba", "av", "pyarrow", "scipy", "matplotlib")
    heavy += ("diffusers", "transformers", "safetensors", "huggingface_hub", "cv2", "faiss")
    code = f"import sys, flows.cli; print([name for name in {heavy!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_api_knows_no_flow() -> None:
    # Else whoever runs one flow would wait for the imports of all.
    source = (ROOT / "flows" / "api.py").read_text(encoding="utf-8")
    ours = {module for module in _imported(ast.parse(source)) if module.split(".")[0] == "flows"}
    assert all(module.startswith("flows.server") for module in ours), ours

"""The tree in the README, made from the first line of every module, so that it cannot go stale.

``python -m tests.readme_tree`` writes it anew; a test compares.
"""

import ast
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- tree: made by `make tree` -->", "<!-- end of tree -->"
FOLDERS = ("flows", "prompts", "generators", "annotation", "moments", "data", "tests")
TOLD_TOGETHER = ("tests",)  # folders whose files mirror the others and need no line each
WIDTH = 118


def tree() -> str:
    """The tree as a Markdown code block."""
    lines = []
    for folder in FOLDERS:
        lines += _folder(ROOT / folder, depth=0)
    return "\n".join([BEGIN, "```text", *lines, "```", END])


def _folder(folder: Path, depth: int) -> list[str]:
    indent = "  " * depth
    lines = [_line(f"{indent}{folder.name}/", _first_line(folder / "__init__.py"))]
    for path in sorted(folder.iterdir(), key=lambda entry: (entry.is_dir(), entry.name)):
        if path.is_dir() and path.name != "__pycache__":
            if (path / "__init__.py").exists() and folder.name not in TOLD_TOGETHER:
                lines += _folder(path, depth + 1)
            elif (path / "__init__.py").exists():
                lines.append(_line(f"{indent}  {path.name}/", _first_line(path / "__init__.py")))
        elif path.suffix == ".py" and path.name != "__init__.py" and folder.name not in TOLD_TOGETHER:
            lines.append(_line(f"{indent}  {path.name}", _first_line(path)))
    return lines


def _line(name: str, text: str) -> str:
    return (
        textwrap.shorten(f"{name:<26} {text}", WIDTH, placeholder=" …")
        if not name.startswith(" ")
        else (f"{name:<26} " + textwrap.shorten(text, WIDTH - 27, placeholder=" …"))
    )


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, f"{path.relative_to(ROOT)} has no docstring to tell what it does"
    return docstring.splitlines()[0]


def in_readme() -> str:
    """The part of the README that ``tree`` should equal."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return BEGIN + text.split(BEGIN)[1].split(END)[0] + END


def write() -> None:
    """Put the present tree into the README."""
    path = ROOT / "README.md"
    path.write_text(path.read_text(encoding="utf-8").replace(in_readme(), tree()), encoding="utf-8")


if __name__ == "__main__":
    write()

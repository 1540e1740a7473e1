"""The image of a GPU worker, read and not built: what it stands on, copies, installs and runs as."""

import re
import shlex
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PACKAGES = {"data", "prompts", "generators", "annotation", "moments", "flows"}
SECRET = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)


def _instructions() -> list[tuple[str, str]]:
    """Every instruction with what it says, continued lines joined, comments left out."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (word.upper(), rest) for word, _, rest in (line.partition(" ") for line in joined.split("\n") if line)
    ]


def _all(word: str) -> list[str]:
    return [rest for found, rest in _instructions() if found == word]


def _pip(text: str) -> list[list[str]]:
    """The words after ``pip install`` of each such command, without what only keeps an image small."""
    commands = [shlex.split(part) for part in re.split(r"&&|\n", text) if "pip install" in part]
    return [
        [word for word in command[command.index("install") + 1 :] if word != "--no-cache-dir"]
        for command in commands
    ]


def test_the_base_is_named_by_a_tag_that_does_not_move_to_another_python() -> None:
    (base,) = _all("FROM")
    image, _, tag = base.partition(":")
    assert image == "python"
    assert re.fullmatch(r"3\.11[\d.]*-slim-\w+", tag)


def test_nothing_is_fetched_but_by_pip() -> None:
    assert _all("ADD") == []
    assert not re.search(r"https?://|curl|wget|apt", "\n".join(_all("RUN")))


def test_the_steps_of_the_installation_are_those_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    own = [[word.replace(".[test]", ".") for word in step] for step in _pip(makefile)]
    assert _pip("\n".join(_all("RUN"))) == own
    assert all("constraints.txt" in step for step in own)


def test_every_package_is_copied_and_nothing_else_of_ours() -> None:
    copied = [source for words in map(str.split, _all("COPY")) for source in words[:-1]]
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    assert {name.rstrip("*") for name in included["include"]} == PACKAGES
    assert set(copied) == PACKAGES | {"pyproject.toml", "constraints.txt", "README.md", "LICENSE"}
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(sent) == sorted(copied)
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()


def test_no_secret_is_built_in() -> None:
    assert [rest for word, rest in _instructions() if word in ("ENV", "ARG") and SECRET.search(rest)] == []


def test_the_worker_does_not_run_as_root() -> None:
    words = [word for word, _ in _instructions()]
    assert words[-1] == "ENTRYPOINT"
    assert _all("USER")[-1] not in ("root", "0")
    assert words.index("USER") > max(index for index, word in enumerate(words) if word == "RUN")


def test_the_worker_takes_from_the_pool_of_the_deployments_that_need_a_gpu() -> None:
    (entry,) = _all("ENTRYPOINT")
    command = yaml.safe_load(entry)
    pools = yaml.safe_load((ROOT / "prefect.yaml").read_text())["definitions"]
    assert command[:3] == ["prefect", "worker", "start"]
    assert command[command.index("--pool") + 1] == pools["gpu_pool"]["name"]


def test_deployments_find_the_code_where_the_worker_was_started() -> None:
    (folder,) = _all("WORKDIR")
    assert f"PWD={folder}" in " ".join(_all("ENV")).split()

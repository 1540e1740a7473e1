"""Embedders that other packages bring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from moments.backbones.catalogue import build_embedder, embedder_names
from moments.errors import BackboneError

SOURCE = """
from types import SimpleNamespace
from moments.embedder import EmbedderFacts

def build(*, checkpoint, revision, num_frames, mode, precision, device):
    told = f"{checkpoint} {revision} {mode} {device}"
    facts = EmbedderFacts("slowfast", "SlowFast", told, num_frames, "theirs", precision)
    return SimpleNamespace(facts=facts, open=print, prepare=print, parts=print)

def older(**arguments):
    made = build(**arguments)
    del made.parts
    made.features = print
    return made

def broken(**arguments):
    raise RuntimeError("weights went missing")

def nothing(**arguments):
    return None
"""
Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package of a name with one entry point, named as the test says."""

    def package(name: str, entry_point: str) -> None:
        site = tmp_path / name
        info = site / f"{name}-2.1.dist-info"
        info.mkdir(parents=True)
        (site / f"{name}.py").write_text(SOURCE)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.1\n")
        (info / "entry_points.txt").write_text(f"[simmotion.embedders]\n{entry_point}\n")
        monkeypatch.syspath_prepend(str(site))

    return package


def test_a_package_brings_an_embedder_by_entry_point(install: Install) -> None:
    install("brought_fast", "slowfast = brought_fast:build")
    assert embedder_names()[-1] == "slowfast"
    facts = build_embedder(
        "slowfast",
        checkpoint="mine",
        revision="v1",
        num_frames=64,
        mode="native",
        precision="bf16",
        device="cuda",
    ).facts
    assert facts.weights == "mine v1 native cuda"
    assert (facts.num_frames, facts.precision) == (64, "bf16")


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("brought_ill:broken", r"fails: RuntimeError: weights went missing"),
        ("brought_ill:absent", r"fails: AttributeError"),
        ("brought_missing:build", r"fails: ModuleNotFoundError"),
        ("brought_ill:nothing", r"made NoneType, expected an Embedder, which has facts and open"),
        ("brought_ill:older", r"made SimpleNamespace, expected an Embedder, which has parts;"),
    ],
)
def test_errors_of_a_package_name_it_and_keep_their_cause(target: str, told: str, install: Install) -> None:
    install("brought_ill", f"ill = {target}")
    with pytest.raises(BackboneError, match=rf"ill: {target} of brought_ill 2\.1 {told}"):
        build_embedder("ill")


def test_two_packages_of_one_name_are_refused(install: Install) -> None:
    install("brought_one", "twin = brought_one:build")
    install("brought_two", "twin = brought_two:build")
    with pytest.raises(BackboneError, match=r"2 installed packages.*brought_two 2\.1.*brought_one 2\.1"):
        build_embedder("twin")


def test_our_own_names_are_not_taken_over(install: Install) -> None:
    install("brought_hog", "hog = brought_hog:build")
    assert build_embedder("hog").facts.title != "SlowFast"

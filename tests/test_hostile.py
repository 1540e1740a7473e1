"""Nothing in the sources unpickles, unpacks archives or opens media without limits, but what is listed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.test_import_boundary import PACKAGES, ROOT

# Modules that run code while they read, or unpack archives whose paths others chose.
MODULES = {
    *("pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"),
    *("tarfile", "zipfile", "xml"),
}
# Functions by their last two names, for the same reasons, or because they open media without our limits.
FUNCTIONS = {
    *("torch.load", "pd.read_pickle", "shutil.unpack_archive"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all"),
    *("cv2.VideoCapture", "cv2.imread", "cv2.imdecode", "cv2.FileStorage", "scenedetect.open_video"),
    *("Image.open", "Pillow.open", "PillowImage.open", "Pictures.open"),
    *("os.system", "os.popen"),
    *("eval", "exec", "compile", "__import__"),
}
ALLOWED = {
    ("data/trajectory.py", "zipfile"): "writes and reads members of .npz by name, and unpacks no path",
    ("generators/framing.py", "Pillow.open"): "checks the size before it loads a pixel",
    ("flows/stages.py", "PillowImage.open"): "reads a PNG of the store that we wrote",
}
# Calls that must say something, and what.
MUST_SAY = {
    "np.load": ("allow_pickle", "False"),
    "from_pretrained": ("use_safetensors", "True"),
    "av.open": ("options", "INPUT_OPTIONS"),
    "ffmpeg.input": (None, "INPUT_OPTIONS"),
}
NEED_NOT_SAY = {
    ("generators/wan_text.py", "from_pretrained"): "a tokenizer, which has no weights",
    ("moments/backbones/family.py", "from_pretrained"): "a configuration, which has no weights",
}
NEVER_SAID = {
    ("shell", "True"),
    ("trust_remote_code", "True"),
    ("allow_pickle", "True"),
    ("weights_only", "False"),
}


def dangers(source: str) -> Iterator[str]:
    """Everything in ``source`` that the tables above name."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name.split(".")[0] in MODULES)
            case ast.ImportFrom(module=str(module)):
                yield from [module] if module.split(".")[0] in MODULES else []
            case ast.Call(func=function, args=arguments, keywords=keywords):
                name = ".".join(ast.unparse(function).split(".")[-2:])
                said = {(each.arg, ast.unparse(each.value)) for each in keywords}
                if name in FUNCTIONS:
                    yield name
                yield from (f"{key}={value}" for key, value in said & NEVER_SAID)
                short = name if name in MUST_SAY else name.split(".")[-1]
                writes = "'w'" in map(ast.unparse, arguments)
                if short in MUST_SAY and MUST_SAY[short] not in said and not (short == "av.open" and writes):
                    yield short


def test_nothing_dangerous_is_called() -> None:
    known = ALLOWED.keys() | NEED_NOT_SAY.keys()
    found = {
        (path.relative_to(ROOT).as_posix(), danger)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for danger in dangers(path.read_text(encoding="utf-8"))
    }
    assert found - known == set()
    assert known - found == set(), "no longer needed: take it off the list"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "def f():\n    from zipfile import ZipFile",
        "import xml.etree.ElementTree",
        "torch.load(path)",
        "shutil.unpack_archive(path)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader)",
        "Model.from_pretrained(folder)",
        "Model.from_pretrained(folder, use_safetensors=True, trust_remote_code=True)",
        "av.open(str(path))",
        "ffmpeg.input(str(path), threads=1)",
        "cv2.VideoCapture(path)",
        "subprocess.run(command, shell=True)",
        "eval(text)",
    ],
)
def test_the_tables_catch_a_danger(source: str) -> None:
    assert list(dangers(source))


@pytest.mark.parametrize(
    "source",
    [
        "import zlib",
        "model.eval()",
        "np.load(path, allow_pickle=False)",
        "Model.from_pretrained(folder, use_safetensors=True)",
        "av.open(str(path), 'w', format='mp4')",
        "av.open(str(path), options=INPUT_OPTIONS)",
        "ffmpeg.input(str(path), **INPUT_OPTIONS)",
        "yaml.safe_load(text)",
    ],
)
def test_the_tables_let_the_harmless_pass(source: str) -> None:
    assert not list(dangers(source))

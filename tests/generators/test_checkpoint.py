"""A checkpoint folder is found, told apart from others, and refused by name when anything is missing."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from data.errors import ConfigError
from generators.checkpoint import cached_checkpoint, file_digest, find_checkpoint, identity_of
from generators.checkpoint_check import check, require
from tests.generators.tiny_wan import tiny_wan
from tests.protocol.hub_server import HubServer

PIPELINE = ("WanImageToVideoPipeline",)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tiny_wan_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(tiny_wan_folder, tmp_path / "wan"))


def weights(folder: Path, component: str = "transformer") -> Path:
    return folder / component / "diffusion_pytorch_model.safetensors"


def in_cache(cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder as the hub's cache would hold ``some/wan``."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    repository = cache / "models--some--wan"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    return Path(shutil.copytree(folder, repository / "snapshots" / COMMIT))


def test_a_whole_folder_is_found(folder: Path) -> None:
    found = find_checkpoint(str(folder), None, PIPELINE)

    assert found.folder == folder
    assert found.identity.startswith("sha256:")
    assert found.index["_class_name"] == "WanImageToVideoPipeline"
    assert found.config("transformer")["num_layers"] == 2
    assert found.config("scheduler")["flow_shift"] == 5.0


def test_weights_are_counted_without_loading_them(folder: Path) -> None:
    found = find_checkpoint(str(folder), None)

    pipeline = tiny_wan()
    for component in ("transformer", "vae"):
        module = getattr(pipeline, component)
        assert found.num_parameters(component) == sum(weight.numel() for weight in module.parameters())
    assert found.num_parameters("scheduler") == 0


def test_a_folder_is_known_by_its_content_wherever_it_lies(folder: Path, tmp_path: Path) -> None:
    first = find_checkpoint(str(folder), None).identity
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    assert find_checkpoint(str(moved), None).identity == first

    with weights(moved).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    assert find_checkpoint(str(moved), None).identity != first

    changed = json.loads((folder / "vae" / "config.json").read_text())
    (folder / "vae" / "config.json").write_text(json.dumps(changed | {"note": 1}))
    assert find_checkpoint(str(folder), None).identity != first


def test_a_large_files_digest_reads_its_size_and_both_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generators.checkpoint.SAMPLED_BYTES", 4)

    def digest(content: bytes) -> str:
        path = tmp_path / "weights"
        path.write_bytes(content)
        return file_digest(path)

    base = digest(b"headxxxxtail")
    assert digest(b"Headxxxxtail") != base
    assert digest(b"headxxxxtaiL") != base
    assert digest(b"headxxxxxtail") != base
    assert digest(b"heady") != digest(b"headz")


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ("model_index.json", "model_index.json"),
        ("vae", "vae/"),
        ("transformer_2/diffusion_pytorch_model.safetensors", r"transformer_2/\*\.safetensors"),
        ("text_encoder/model.safetensors", r"text_encoder/\*\.safetensors"),
    ],
)
def test_a_missing_part_is_named(folder: Path, gone: str, named: str) -> None:
    path = folder / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()

    with pytest.raises(ConfigError, match=f"lacks 1 files or parts of them: {named}.*complete the folder"):
        find_checkpoint(str(folder), None)


def test_a_missing_shard_is_named(folder: Path) -> None:
    whole = weights(folder)
    first, second = (whole.with_name(f"diffusion_pytorch_model-0000{n}-of-00002.safetensors") for n in (1, 2))
    whole.rename(first)
    index = {"metadata": {}, "weight_map": {"a": first.name, "b": second.name}}
    whole.with_name("diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))

    with pytest.raises(ConfigError, match=f"transformer/{second.name}"):
        find_checkpoint(str(folder), None)


def test_a_file_cut_short_is_named_with_its_lengths(folder: Path) -> None:
    path = weights(folder)
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[: whole // 2])

    with pytest.raises(ConfigError, match=rf"{path.parent.name}/{path.name} \({whole // 2:,} of {whole:,} b"):
        find_checkpoint(str(folder), None)


@pytest.mark.parametrize(
    "content", [b"", b"version https://git-lfs.github.com/spec/v1", b"\x02" + bytes(7) + b"[]"]
)
def test_a_file_that_is_no_weights_file_is_named(folder: Path, content: bytes) -> None:
    weights(folder).write_bytes(content)

    with pytest.raises(ConfigError, match=r"transformer/diffusion_pytorch_model\.safetensors \(no header"):
        find_checkpoint(str(folder), None)


def test_an_empty_file_of_weights_is_whole(folder: Path) -> None:
    save_file({"none": torch.zeros(0)}, weights(folder))

    assert find_checkpoint(str(folder), None).num_parameters("transformer") == 0


def test_another_pipeline_is_refused(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": "FluxPipeline"}))

    with pytest.raises(ConfigError, match="names a FluxPipeline; expected WanImageToVideoPipeline"):
        find_checkpoint(str(folder), None, PIPELINE)
    assert find_checkpoint(str(folder), None).index["_class_name"] == "FluxPipeline"


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_an_index_that_cannot_be_read_is_named(folder: Path, content: str) -> None:
    (folder / "model_index.json").write_text(content)

    with pytest.raises(ConfigError, match=r"model_index\.json"):
        find_checkpoint(str(folder), None)


def test_a_hub_id_that_is_not_here_says_both_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))

    with pytest.raises(
        ConfigError, match=r"hf download some/wan --revision v2.*copy models--some--wan.*local f"
    ):
        find_checkpoint("some/wan", "v2")
    assert identity_of("some/wan", "v2") == "some/wan@v2"
    assert identity_of("some/wan", None) == "some/wan@main"


def test_a_whole_copy_in_the_cache_is_taken_without_network(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = in_cache(tmp_path / "hub", folder, monkeypatch)

    found = find_checkpoint("some/wan", None)

    assert found.folder == cached
    assert found.identity == identity_of("some/wan", None) == f"some/wan@{COMMIT}"


def test_a_copy_in_the_cache_that_is_not_whole_is_not_taken(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = in_cache(tmp_path / "hub", folder, monkeypatch)
    weights(cached, "vae").write_bytes(b"cut")

    assert cached_checkpoint("some/wan", None) is None
    with pytest.raises(ConfigError, match=r"vae/diffusion_pytorch_model\.safetensors.*hf download some/wan"):
        find_checkpoint("some/wan", None)


def test_a_name_that_is_neither_folder_nor_hub_id_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such folder here"):
        find_checkpoint("weights/of/mine", None)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub that knows ``some/wan``, and an empty cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with HubServer({"some/wan": COMMIT}) as server:
        server.replaces_the_hub(monkeypatch)
        yield server


@pytest.mark.usefixtures("hub")
def test_a_hub_id_has_one_name_before_and_after_its_download(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = identity_of("some/wan", None)
    in_cache(tmp_path / "hub", folder, monkeypatch)

    assert before == identity_of("some/wan", None) == f"some/wan@{COMMIT}"


@pytest.mark.usefixtures("hub")
def test_a_model_that_the_hub_can_give_may_be_fetched_later() -> None:
    require("some/wan", None)

    found = check("model", "some/wan", None)
    assert not found.ok
    assert COMMIT in found.detail
    assert "hf download some/wan" in found.what_to_do


@pytest.mark.parametrize(
    ("source", "revision", "said"),
    [
        ("some/vvan", None, "some/vvan: .*RepositoryNotFoundError"),
        ("some/wan", "v2", "some/wan --revision v2: .*RevisionNotFoundError"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_what_the_hub_does_not_have_is_refused(source: str, revision: str | None, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        require(source, revision)
    assert not check("model", source, revision).ok


def test_a_model_that_is_not_here_is_refused_where_the_hub_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))

    with pytest.raises(ConfigError, match="some/wan: no such folder here, not whole in the cache"):
        require("some/wan", None)


def test_a_whole_model_is_asked_of_nobody(folder: Path) -> None:
    require(str(folder), None)

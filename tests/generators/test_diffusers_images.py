"""Pipelines of diffusers draw and edit first frames; what cannot is told apart before anything runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInstructPix2PixPipeline, StableDiffusionPipeline
from PIL import Image as Pillow

from data.errors import ConfigError, ContractError, SampleRejected
from data.schema import ClipFormat, Image, Role
from generators import diffusers_images
from generators.base import ImageRequest
from generators.config import DiffusersImageConfig
from generators.diffusers_images import DiffusersImages
from tests.generators.plans import plan_of
from tests.generators.tiny_images import NATIVE_PX, save_tiny_drawer, save_tiny_editor, save_tiny_qwen

FORMAT = ClipFormat(size_px=NATIVE_PX, duration_seconds=1.0, fps=8)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny tensors are not worth a second thread, and on a busy machine it costs many times their time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_drawer(tmp_path_factory.mktemp("drawer"))


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_editor(tmp_path_factory.mktemp("editor"))


@pytest.fixture(scope="module")
def backend(drawer: Path, editor: Path) -> DiffusersImages:
    return opened(drawer, editor)


def config_of(drawer: Path | str, editor: Path | str, steps: int = 2) -> DiffusersImageConfig:
    return DiffusersImageConfig(model=str(drawer), edit_model=str(editor), steps=steps)


def opened(drawer: Path | str, editor: Path | str) -> DiffusersImages:
    made = DiffusersImages(config_of(drawer, editor))
    made.open()
    return made


def request_for(role: Role, source: Image | None = None, seed: int = 1) -> ImageRequest:
    return ImageRequest(plan_of(), role, FORMAT, seed, source)


def image(backend: DiffusersImages, request: ImageRequest) -> Image:
    (made,) = backend.images([request])
    return made


def stripes(across: bool) -> Image:
    picture = np.zeros((NATIVE_PX, NATIVE_PX, 3), np.uint8)
    if across:
        picture[::4] = 255
    else:
        picture[:, ::4] = 255
    return picture


def stock_pipeline(kind: Any, folder: Path) -> Any:
    return kind.from_pretrained(folder)


def test_a_reference_is_what_the_pipeline_draws_from_the_base_prompt(
    backend: DiffusersImages, drawer: Path
) -> None:
    stock = stock_pipeline(StableDiffusionPipeline, drawer)
    drawn = stock(
        prompt=plan_of().prompts.base,
        num_inference_steps=2,
        generator=torch.Generator("cpu").manual_seed(7),
        output_type="np",
    ).images[0]

    made = image(backend, request_for(Role.REFERENCE, seed=7))
    assert made.dtype == np.uint8
    assert np.array_equal(made, (drawn * 255).round().astype(np.uint8))


def test_a_positive_is_what_the_pipeline_makes_of_the_reference(
    backend: DiffusersImages, editor: Path
) -> None:
    stock = stock_pipeline(StableDiffusionInstructPix2PixPipeline, editor)
    edited = stock(
        prompt=plan_of().prompts.modification,
        image=Pillow.fromarray(stripes(True)),
        num_inference_steps=2,
        generator=torch.Generator("cpu").manual_seed(7),
        output_type="np",
    ).images[0]

    made = image(backend, request_for(Role.POSITIVE, stripes(True), seed=7))
    assert np.array_equal(made, (edited * 255).round().astype(np.uint8))
    other = image(backend, request_for(Role.POSITIVE, stripes(False), seed=7))
    assert not np.array_equal(made, other)


@pytest.mark.parametrize("role", [Role.REFERENCE, Role.POSITIVE])
def test_the_seed_alone_decides(backend: DiffusersImages, drawer: Path, editor: Path, role: Role) -> None:
    source = stripes(True) if role is Role.POSITIVE else None
    first = image(backend, request_for(role, source, seed=3))
    between = image(backend, request_for(role, source, seed=4))
    again = image(opened(drawer, editor), request_for(role, source, seed=3))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, between)


def test_pictures_are_brought_to_the_size_of_the_clips(backend: DiffusersImages) -> None:
    large = ImageRequest(plan_of(), Role.REFERENCE, ClipFormat(48, 1.0, 8), seed=1)
    assert image(backend, large).shape == (48, 48, 3)

    too_large = ImageRequest(plan_of(), Role.REFERENCE, ClipFormat(NATIVE_PX * 4, 1.0, 8), seed=1)
    with pytest.raises(SampleRejected, match="image_too_small"):
        image(backend, too_large)


def test_qwen_image_is_guided_away_from_an_empty_prompt(
    tmp_path: Path, editor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import QwenImagePipeline

    backend = opened(save_tiny_qwen(tmp_path / "qwen"), editor)
    encoded: list[str] = []
    encode = QwenImagePipeline.encode_prompt

    def listening(self: Any, prompt: str, **rest: Any) -> Any:
        encoded.append(prompt)
        self.default_sample_size = 8  # its native 1024 px would take long
        return encode(self, prompt, **rest)

    monkeypatch.setattr(QwenImagePipeline, "encode_prompt", listening)
    backend._pipelines[Role.REFERENCE].default_sample_size = 8
    made = image(backend, request_for(Role.REFERENCE))

    assert made.shape == (NATIVE_PX, NATIVE_PX, 3)
    assert encoded == [plan_of().prompts.base, " "]


def test_two_pipelines_that_do_not_fit_are_never_in_memory_at_once(
    backend: DiffusersImages, drawer: Path, editor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = stripes(True)
    asked = [
        request_for(Role.REFERENCE),
        request_for(Role.POSITIVE, source),
        request_for(Role.POSITIVE, source, seed=2),
        request_for(Role.REFERENCE, seed=2),
    ]
    expected = list(backend.images(asked))
    monkeypatch.setattr(diffusers_images, "_host_bytes", lambda: 0)
    one_by_one = opened(drawer, editor)

    for request, together in zip(asked, expected, strict=True):
        assert np.array_equal(image(one_by_one, request), together)
        assert set(one_by_one._pipelines) == {request.role}


def test_facts_name_both_models_before_and_after_opening(
    backend: DiffusersImages, drawer: Path, editor: Path
) -> None:
    facts = DiffusersImages(config_of(drawer, editor)).facts

    assert facts == backend.facts
    assert facts.ai_generated
    assert facts.demand == ()
    others = [config_of(editor, editor), config_of(drawer, drawer), config_of(drawer, editor, steps=3)]
    assert len({facts.revision, *(DiffusersImages(other).facts.revision for other in others)}) == 4


def test_facts_of_a_hub_id_state_the_pinned_revision() -> None:
    config = DiffusersImageConfig(revision="abc123", edit_model="someone/editor")

    assert DiffusersImages(config).facts.revision.startswith("Qwen/Qwen-Image@abc123 + someone/editor@main/")


def test_a_model_that_is_not_here_says_both_ways_out(drawer: Path) -> None:
    with pytest.raises(ConfigError, match=r"nobody/nothing.*hf download nobody/nothing.*local folder"):
        opened(drawer, "nobody/nothing")


def without_weights(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()


def without_a_shard(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(folder / "unet" / "diffusion_pytorch_model-00001-of-00002.safetensors")
    index = {"a": "diffusion_pytorch_model-00001-of-00002.safetensors"}
    index["b"] = "diffusion_pytorch_model-00002-of-00002.safetensors"
    path = folder / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": index}))


def with_cut_weights(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def with_pickled_weights_alone(folder: Path) -> None:
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    torch.save({}, folder / "vae" / "diffusion_pytorch_model.bin")


def without_a_part(folder: Path) -> None:
    shutil.rmtree(folder / "text_encoder")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_weights, r"unet/.*safetensors"),
        (without_a_shard, "diffusion_pytorch_model-00002-of-00002.safetensors"),
        (with_cut_weights, "unet/diffusion_pytorch_model.safetensors"),
        (with_pickled_weights_alone, r"vae/.*safetensors"),
        (without_a_part, "text_encoder"),
    ],
)
def test_a_damaged_folder_is_named_with_what_it_lacks(
    drawer: Path, editor: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(drawer, folder)
    damage(folder)

    with pytest.raises(ConfigError, match=message) as failed:
        opened(folder, editor)
    assert str(folder) in str(failed.value)


def test_a_package_that_a_model_needs_is_named(
    drawer: Path, editor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def needs_more(folder: Path, **options: object) -> None:
        raise ImportError("\nThingProcessor requires the Torchvision library. Check out the instructions\n")

    monkeypatch.setattr("diffusers.DiffusionPipeline.from_pretrained", needs_more)
    with pytest.raises(
        ConfigError, match="not here: ThingProcessor requires the Torchvision library; install"
    ):
        opened(drawer, editor)


def test_a_model_that_takes_no_picture_is_no_editor(drawer: Path) -> None:
    with pytest.raises(ConfigError, match=r"StableDiffusionPipeline, which takes no picture.*edit_model"):
        opened(drawer, drawer)


@pytest.mark.parametrize(
    ("result", "reason", "remedy"),
    [
        ({"images": [np.full((32, 32, 3), np.nan)]}, "not_finite", "again"),
        ({"images": [np.zeros((32, 32, 3))], "nsfw_content_detected": [True]}, "image_safety", "rewrite"),
    ],
)
def test_a_picture_that_is_none_is_rejected(
    backend: DiffusersImages,
    monkeypatch: pytest.MonkeyPatch,
    result: dict[str, Any],
    reason: str,
    remedy: str,
) -> None:
    class Result:
        images = result["images"]
        nsfw_content_detected = result.get("nsfw_content_detected")

    def call(self: object, prompt: str, **options: object) -> Result:
        return Result()

    monkeypatch.setattr(StableDiffusionPipeline, "__call__", call)
    with pytest.raises(SampleRejected) as rejected:
        image(backend, request_for(Role.REFERENCE))
    assert (rejected.value.reason, rejected.value.remedy) == (reason, remedy)


def test_too_little_memory_is_said_with_the_way_out(
    backend: DiffusersImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(self: object, prompt: str, **options: object) -> None:
        raise torch.OutOfMemoryError("tried to allocate 20.00 GiB")

    monkeypatch.setattr(StableDiffusionPipeline, "__call__", call)
    with pytest.raises(ConfigError, match=r"20\.00 GiB.*smaller model"):
        image(backend, request_for(Role.REFERENCE))


def test_a_picture_is_asked_only_of_an_opened_backend_and_for_roles_that_have_one(
    backend: DiffusersImages, drawer: Path, editor: Path
) -> None:
    with pytest.raises(ContractError, match="before it was opened"):
        image(DiffusersImages(config_of(drawer, editor)), request_for(Role.REFERENCE))
    asked = ((Role.NEGATIVE, None), (Role.POSITIVE, None), (Role.REFERENCE, stripes(True)))
    for role, source in asked:
        with pytest.raises(ContractError):
            image(backend, request_for(role, source))

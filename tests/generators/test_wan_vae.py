"""What the autoencoder takes, counted on its real layers, and where it works in tiles."""

import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLWan
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from generators.wan_shot import ClipShape
from generators.wan_vae import LARGE_MODELS, SMALL_MODELS, Autoencoder, Coding, work_in_tiles

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL_CONFIG = {
    "base_dim": 160,
    "decoder_base_dim": 256,
    "is_residual": True,
    "in_channels": 12,
    "out_channels": 12,
    "patch_size": 2,
    "z_dim": 48,
    "scale_factor_spatial": 16,
    "latents_mean": [0.0] * 48,
    "latents_std": [1.0] * 48,
}


class LiveBytes(TorchDispatchMode):
    """The largest sum of bytes of all tensors that were alive at one moment."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(self, function: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                storage = leaf.untyped_storage()
                if storage._cdata not in self._sizes:
                    self._sizes[storage._cdata] = storage.nbytes()
                    weakref.finalize(storage, self._sizes.pop, storage._cdata, None)
        self.peak = max(self.peak, sum(self._sizes.values()))
        return result


def counted(work: Callable[[Tensor], Any], tensor: Tensor) -> int:
    with torch.no_grad(), LiveBytes() as live:
        work(tensor)
    return live.peak


@pytest.mark.parametrize(
    ("published", "config", "channels", "side_px", "encoded_frames"),
    [(LARGE_MODELS, {}, 16, 8, 9), (SMALL_MODELS, SMALL_CONFIG, 48, 16, 1)],
)
def test_the_published_autoencoders_take_what_is_said(
    published: Autoencoder, config: dict[str, Any], channels: int, side_px: int, encoded_frames: int
) -> None:
    with torch.device("meta"):
        vae = AutoencoderKLWan(**config).eval().requires_grad_(False)
    assert sum(weight.numel() for weight in vae.parameters()) == published.weights
    assert Autoencoder.of(dict(vae.config), published.weights) == published

    shape = ClipShape(9, 128, 256)
    latents = torch.empty(1, channels, 3, 128 // side_px, 256 // side_px, device="meta")
    video = torch.empty(1, 3, encoded_frames, 128, 256, device="meta")
    found: dict[Coding, int] = {
        "decode": counted(vae.decode, latents),
        "encode": counted(vae.encode, video),
    }

    for coding, peak in found.items():
        assert 0.95 * peak <= published.bytes_for(coding, shape) <= 1.1 * peak


def test_narrower_layers_take_less_in_proportion() -> None:
    half = Autoencoder.of({"base_dim": 48}, 1)

    assert half == Autoencoder(1, 14_100 / 2, 19_500 / 2)
    assert Autoencoder.of({"is_residual": True, "base_dim": 80, "decoder_base_dim": None}, 1) == Autoencoder(
        1, 1_000, 21_600 * 80 / 256
    )


def test_a_clip_of_a_tile_is_worked_on_at_once() -> None:
    torch.manual_seed(0)
    vae = AutoencoderKLWan(base_dim=8, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1).eval()
    latents = torch.randn(1, 16, 2, 4, 8)

    with torch.no_grad():
        work_in_tiles(vae, tiled=False)
        expected = vae.decode(latents).sample
        work_in_tiles(vae, tiled=True)
        assert torch.equal(vae.decode(latents).sample, expected)

"""True motion as bytes: equal trajectories give equal bytes, and every float64 comes back to the last bit.

Knows nothing of bodies, of what a channel means, or of where the bytes are kept.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np

from data.errors import ContractError
from data.schema import Trajectory

SUFFIX = ".npz"
_ARRAYS = ("channels", "joints", "joints_px")
_NAMES = ("channel_names", "joint_names")


def to_bytes(trajectory: Trajectory) -> bytes:
    """An uncompressed ``.npz``; the byte order, the memory order and the (absent) time stamps are fixed."""
    arrays = {name: np.ascontiguousarray(getattr(trajectory, name), dtype="<f8") for name in _ARRAYS}
    names = {name: np.array(getattr(trajectory, name), dtype=np.str_) for name in _NAMES}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in {**arrays, **names}.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:  # dated 1980-01-01
                np.save(member, array, allow_pickle=False)
    return buffer.getvalue()


def from_bytes(data: bytes) -> Trajectory:
    """The trajectory that ``to_bytes`` wrote; ``ContractError`` for any other bytes."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return Trajectory(
                channels=archive["channels"],
                channel_names=tuple(map(str, archive["channel_names"])),
                joints=archive["joints"],
                joint_names=tuple(map(str, archive["joint_names"])),
                joints_px=archive["joints_px"],
            )
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ContractError(f"{len(data)} bytes are not a stored trajectory: {error}") from error

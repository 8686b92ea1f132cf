"""Weight files from anywhere: only tensors are ever read from them, and what is wrong is said."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors import SafetensorError, safe_open

from domainclip.errors import BadInput, UnsafeFile

__all__ = ["SUFFIXES", "check_weights", "load_weights"]

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".npz")


def load_weights(model: Any, path: Path, name: str) -> None:
    """Put the weights of a file into a model of that name.

    open_clip does the work, so checkpoints of its training and of OpenAI's, big_vision's and
    MobileCLIP's naming all load. Raises UnsafeFile, and BadInput for a file that is missing, cut
    short or of another model.
    """
    check_weights(path)
    try:
        open_clip.load_checkpoint(model, str(path), strict=True, weights_only=True)
    except (RuntimeError, KeyError, ValueError, AttributeError, TypeError, AssertionError) as error:
        lines = [line.strip() for line in str(error).split("\n") if line.strip()]
        raise BadInput(
            f"{path}: its weights do not fit {name!r}; give the model's name that they were made "
            f"for. ({' '.join(lines[:2])[:300]})"
        ) from error


def check_weights(path: Path) -> None:
    """Pass a file that is whole and holds tensors only, whatever its name says.

    Raises UnsafeFile for a pickle with more than tensors, for any pickle under a safe name and for
    a TorchScript archive, which is a program. Nothing in the file is run.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such checkpoint file.")
    with path.open("rb") as file:
        start = file.read(9)
    if path.suffix == ".npz":
        return  # big_vision's; numpy refuses pickles in it
    if path.suffix == ".safetensors":
        _check_safetensors(path, start)
    elif start[8:] == b"{":
        raise BadInput(f"{path}: is a safetensors file; rename it so that it ends in .safetensors.")
    elif _is_torchscript(path):
        raise UnsafeFile(
            f"{path}: is a TorchScript archive, which is a program and not only weights, so it was "
            "not opened; save its state dict as .safetensors where you trust it."
        )
    else:
        _check_pickle(path)


def _check_safetensors(path: Path, start: bytes) -> None:
    if start[:2] == b"PK" or (start[:1] == b"\x80" and start[8:] != b"{"):
        raise UnsafeFile(
            f"{path}: a pickle stands where safetensors should be; it was not opened. "
            "Ask its maker for real safetensors."
        )
    try:
        with safe_open(path, "pt") as file:
            file.keys()
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path}: not a safetensors file, or cut short; fetch it again.") from error


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _check_pickle(path: Path) -> None:
    # Read here first, since open_clip falls back to an unrestricted load on a TypeError.
    try:
        torch.load(path, map_location="meta", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (pickle.UnpicklingError, TypeError, AttributeError) as error:
        if "unsupported" in str(error).lower() or "weights only" in str(error).lower():
            raise UnsafeFile(
                f"{path}: this pickle holds more than tensors and could run code, so it was not "
                "opened; where you trust it, save its state dict as .safetensors."
            ) from error
        raise BadInput(f"{path}: not a checkpoint that torch can read, or cut short.") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError) as error:
        raise BadInput(f"{path}: not a checkpoint that torch can read, or cut short.") from error

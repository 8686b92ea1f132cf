"""Image features on disk, keyed by weights, preprocessing and image; safe with many writers."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from domainclip.backbones._tensor_file import save_tensors
from domainclip.backbones.handle import Backbone
from domainclip.backbones.pictures import Preprocess

__all__ = ["FeatureCache", "cache_folder"]


def cache_folder() -> Path:
    """What can be made again: DOMAINCLIP_CACHE, by default ~/.cache/domainclip."""
    return Path(os.environ.get("DOMAINCLIP_CACHE", Path.home() / ".cache" / "domainclip"))


class FeatureCache:
    """Features (d,) float32 by image sha256, in one folder per (weights, preprocessing).

    Each ``put`` writes one new safetensors shard under a name of its own and renames it into place,
    so writers never meet and a killed one leaves nothing that is read. A shard that cannot be read
    is left out, and its images are computed again. ``merge`` folds many shards into one.
    """

    def __init__(self, folder: str | Path, backbone: Backbone, view: str = "") -> None:
        """view: what else decides the pixels (image size, crop); part of the key."""
        described: Any = backbone.preprocess
        if not isinstance(described, Preprocess):
            described = getattr(backbone.model.visual, "preprocess_cfg", None)
        key = f"{backbone.weights_hash()} {described!r} {backbone.dtype} {view}"
        self.folder = Path(folder) / hashlib.sha256(key.encode()).hexdigest()[:32]
        self._known: dict[str, tuple[Path, int]] = {}
        self._read: set[Path] = set()

    def get(self, keys: Sequence[str]) -> dict[str, Tensor]:
        """The features of those keys that are known, by key."""
        self._look()
        by_shard: dict[Path, list[tuple[str, int]]] = {}
        for key in keys:
            if key in self._known:
                shard, row = self._known[key]
                by_shard.setdefault(shard, []).append((key, row))
        found: dict[str, Tensor] = {}
        for shard, wanted in by_shard.items():
            try:
                with safe_open(shard, "pt") as file:
                    features = file.get_tensor("features")
            except (OSError, SafetensorError):
                continue
            found.update((key, features[row]) for key, row in wanted)
        return found

    def put(self, features: Mapping[str, Tensor]) -> None:
        """Keep features (d,) by key."""
        if not features:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        names = list(features)
        temporary = self.folder / f".{uuid.uuid4().hex}.tmp"
        try:
            save_tensors(
                {
                    "features": torch.stack([features[name].float().cpu() for name in names]),
                    "keys": torch.frombuffer(
                        bytearray(b"".join(_digest(name) for name in names)), dtype=torch.uint8
                    ).reshape(len(names), 32),
                },
                temporary,
            )
            temporary.replace(self.folder / f"{uuid.uuid4().hex}.safetensors")
        finally:
            temporary.unlink(missing_ok=True)

    def merge(self) -> None:
        """Fold all shards into one; another process that reads meanwhile only recomputes."""
        self._look()
        shards = sorted({shard for shard, _ in self._known.values()})
        if len(shards) > 1:
            self.put(self.get(list(self._known)))
            for shard in shards:
                shard.unlink(missing_ok=True)
            self._known.clear()
            self._read.clear()

    def _look(self) -> None:
        """Learn the keys of shards that have come since."""
        if not self.folder.is_dir():
            return
        for shard in sorted(self.folder.glob("*.safetensors")):
            if shard in self._read:
                continue
            self._read.add(shard)
            try:
                with safe_open(shard, "pt") as file:
                    digests = file.get_tensor("keys").numpy()
            except (OSError, SafetensorError):
                continue
            for row, digest in enumerate(digests):
                self._known[digest.tobytes().hex()] = (shard, row)


def _digest(key: str) -> bytes:
    """A sha256 hex digest as its 32 bytes."""
    return bytes.fromhex(key)

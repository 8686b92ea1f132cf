"""Features averaged over turned views of an image, for scenes from above."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from domainclip.backbones import load_backbone
from domainclip.data.features import split_features
from domainclip.data.transforms import views
from domainclip.pairs import Pairs
from tests.data.make_pairs import make_pair, write_pairs
from tests.data.tiny_clip import write_tiny_clip


def _pairs(path: Path, *, turns: int, mirrored: bool = False) -> Pairs:
    images = []
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        pixels = np.rot90(pixels[:, ::-1] if mirrored else pixels, turns).copy()
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        images.append(buffer.getvalue())
    return write_pairs(path, [make_pair(n, image=image) for n, image in enumerate(images)])


@pytest.mark.parametrize(("kind", "mirrored"), [("rot90", False), ("dihedral", True)])
def test_features_do_not_know_which_side_is_up(tmp_path: Path, kind: str, mirrored: bool) -> None:
    backbone = load_backbone(str(write_tiny_clip(tmp_path / "tiny")))
    upright = _pairs(tmp_path / "upright", turns=0)
    turned = _pairs(tmp_path / "turned", turns=1, mirrored=mirrored)
    plain = [split_features(backbone, pairs, None).features for pairs in (upright, turned)]
    mean = [split_features(backbone, pairs, None, views=kind).features
            for pairs in (upright, turned)]  # fmt: skip
    assert not torch.allclose(*plain, atol=1e-3)
    torch.testing.assert_close(*mean, rtol=0, atol=1e-5)
    torch.testing.assert_close(mean[0].norm(dim=1), torch.ones(4))


def test_cached_features_of_other_views_are_not_taken(tmp_path: Path) -> None:
    backbone = load_backbone(str(write_tiny_clip(tmp_path / "tiny")))
    pairs = _pairs(tmp_path / "pairs", turns=0)
    for kind in ("plain", "rot90", "plain"):
        fresh = split_features(backbone, pairs, None, views=kind).features
        cached = split_features(backbone, pairs, None, views=kind, cache=tmp_path / "c").features
        torch.testing.assert_close(cached, fresh)


@pytest.mark.parametrize(
    ("kind", "count"), [("plain", (1, 1)), ("rot90", (4, 2)), ("dihedral", (8, 4))]
)
def test_a_rectangle_is_turned_by_halves_alone(kind: str, count: tuple[int, int]) -> None:
    square, rectangle = torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 6)
    for images, expected in zip((square, rectangle), count, strict=True):
        found = list(views(images, kind))
        assert len(found) == expected
        assert all(view.shape == images.shape for view in found)
        assert len({view.numpy().tobytes() for view in found}) == expected

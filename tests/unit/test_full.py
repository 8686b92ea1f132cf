"""Tuning the weights themselves: which of them train, and a file with those alone."""

from __future__ import annotations

import pytest
import torch

from domainclip.adapters._tuning import WeightTuning
from domainclip.adapters.full import Full
from domainclip.catalogue import load
from domainclip.errors import UsageError
from tests.data.tiny_towers import make_backbone


@pytest.mark.parametrize("kind", ["vit", "efficientnet", "bert"])
def test_parts_of_a_tower(kind: str) -> None:
    counts = {}
    for name in ("full", "bitfit", "norm_tuning"):
        backbone = make_backbone(kind)
        adapter = load("adapters", name)()
        adapter.inject(backbone)
        names = set(adapter.state())
        assert all(name.startswith("visual.") for name in names)
        if name == "bitfit":
            assert all(name.endswith("bias") for name in names)
        if name == "norm_tuning":
            assert all(adapter.state()[name].ndim == 1 for name in names)
        counts[name] = len(names)
        adapter.eject()
    assert 0 < counts["bitfit"] < counts["full"]
    assert 0 < counts["norm_tuning"] < counts["full"]


def test_the_scale_of_the_cosines_trains_on_request() -> None:
    backbone = make_backbone("vit")
    scale = float(backbone.logit_scale.detach())
    adapter = Full(towers=("text",), logit_scale=True)
    adapter.inject(backbone)
    with torch.no_grad():
        backbone.model.logit_scale.add_(1.0)
    assert "logit_scale" in adapter.state()
    adapter.eject()
    assert float(backbone.logit_scale.detach()) == scale


def test_a_tower_without_such_weights_is_named() -> None:
    class Nothing(WeightTuning):
        what = "gates"

        def _chosen(self, backbone: object, names: list[str]) -> list[str]:
            return []

    with pytest.raises(UsageError, match="the image tower of 'tiny-vit' has no gates"):
        Nothing().inject(make_backbone("vit"))

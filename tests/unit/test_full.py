"""Full tuning: which parts train, and a file with those alone."""

from __future__ import annotations

import pytest
import torch

from domainclip.adapters.full import Full
from domainclip.errors import UsageError
from tests.data.tiny_towers import make_backbone


@pytest.mark.parametrize("kind", ["vit", "efficientnet", "bert"])
def test_parts_of_a_tower(kind: str) -> None:
    counts = {}
    for part in ("all", "bias", "norm"):
        backbone = make_backbone(kind)
        adapter = Full(part=part)  # type: ignore[arg-type]
        adapter.inject(backbone)
        names = set(adapter.state())
        assert all(name.startswith("visual.") for name in names)
        if part == "bias":
            assert all(name.endswith("bias") for name in names)
        if part == "norm":
            assert all(adapter.state()[name].ndim == 1 for name in names)
        counts[part] = len(names)
        adapter.eject()
    assert 0 < counts["bias"] < counts["all"]
    assert 0 < counts["norm"] < counts["all"]


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


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(UsageError, match="'biases'"):
        Full(part="biases").inject(make_backbone("vit"))  # type: ignore[arg-type]

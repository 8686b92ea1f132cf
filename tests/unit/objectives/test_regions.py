"""Regions and their categories: the loss against loops, boxes as the tower sees them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from domainclip.catalogue import load
from domainclip.data import PairsDataModule
from domainclip.data._regions import regions_of
from domainclip.data.settings import AugmentSettings, DataSettings
from domainclip.errors import BadInput, UsageError
from domainclip.objectives.region_category import _shares
from domainclip.training._encoder import Encoder
from domainclip.training._extras import Extras
from tests.data.make_pairs import write_pairs
from tests.data.objective_inputs import SCALE, inputs
from tests.data.pretend_ranks import on_ranks
from tests.data.tiny_towers import images, make_backbone
from tests.data.toy_tower import ToyTower, striped_pairs

SHIP, ROOF = {"category": "ship", "box": [2, 0, 8, 6]}, {"category": "roof", "box": [0.5, 9, 3, 12]}
META = {"facts": {"objects": [{**SHIP, "area_px": 36.0}, ROOF, {"category": "sea"}]}}


@pytest.mark.parametrize("most", [1, 2])
def test_region_category_equals_the_slow_version(most: int) -> None:
    given = inputs(load("objectives", "region_category")(most=most, region=0.6, clip=0.3))
    boxes, prompts, names = [], [], []
    for i, regions in enumerate(given.batch.regions):
        falling = sorted(
            regions, key=lambda one: -(one[1][2] - one[1][0]) * (one[1][3] - one[1][1])
        )
        for place, (name, (x0, y0, x1, y1)) in enumerate(falling[:most]):
            total = torch.zeros(6, dtype=torch.float64)
            for at, patch in enumerate(given.extra["patches"][i]):  # of 2 x 2 positions
                x, y = at % 2 / 2, at // 2 / 2
                wide = max(0.0, min(x1, x + 0.5) - max(x0, x))
                total = total + patch * wide * max(0.0, min(y1, y + 0.5) - max(y0, y))
            boxes.append(total / total.norm())
            prompts.append(given.extra["regions"][i, place])
            names.append(name)
    total = 0.3 * inputs(load("objectives", "infonce")()).call()
    for rows, columns in ((boxes, prompts), (prompts, boxes)):
        for one, name in zip(rows, names, strict=True):
            logits = torch.stack([SCALE * one @ other for other in columns])
            same = [j for j, other in enumerate(names) if other == name]
            for j in same:
                right = logits[j] - logits.logsumexp(0)
                total = total - 0.6 * right / (len(same) * 2 * len(names))
    torch.testing.assert_close(given.call(), total, rtol=1e-6, atol=1e-6)


def test_a_batch_without_boxes_is_infonce() -> None:
    given = inputs(load("objectives", "region_category")())
    given.batch.regions = ((),) * 9
    torch.testing.assert_close(given.call(), inputs(load("objectives", "infonce")()).call())


def test_a_rank_with_as_many_boxes_as_images_has_its_share_of_all_boxes() -> None:
    def call(rows: slice, gather: Any) -> Tensor:
        gather(given.image[rows])  # images are counted first, as a training step does
        return given.call(rows, gather)

    given = inputs(load("objectives", "region_category")(clip=0.0))
    ship, roof = ("ship", (0.0, 0.0, 0.5, 0.5)), ("roof", (0.2, 0.1, 0.9, 0.8))
    given.batch.regions = ((ship,),) * 5 + ((ship, roof),) * 4
    torch.testing.assert_close(torch.stack(on_ranks(call, [0, 5, 9])).mean(), given.call())


def test_prompts_of_boxes_are_encoded_once_and_in_their_places() -> None:
    clip = make_backbone("vit")
    objective = load("objectives", "region_category")(most=2, template="a {}")
    encoder = Encoder(clip, raw=False, long=None, chunk=None, same_views=False)
    batch = inputs(objective).batch.of([0, 1, 2])
    small, large = ("ship", (0.0, 0.0, 0.1, 0.1)), ("roof", (0.0, 0.0, 0.9, 0.9))
    batch.regions = ((), (small,), (small, large))
    found = Extras(objective, encoder, [], seed=0).of(batch, images())["regions"]
    ship, roof = clip.text(clip.tokenize(["a ship", "a roof"]))
    none = torch.zeros(32)
    expected = torch.stack([torch.stack(row) for row in ((none, none), (ship, none), (roof, ship))])
    torch.testing.assert_close(found, expected)


def test_shares_of_positions_sum_to_one_and_follow_the_box() -> None:
    boxes = torch.tensor([
        [0.0, 0.0, 1.0, 1.0], [0.5, 0.0, 1.0, 0.5], [0.25, 0.0, 1.0, 0.5], [0.5, 0.0, 0.5, 1.0],
    ])  # fmt: skip
    whole, quarter, most, none = _shares(boxes, 4).tolist()
    assert whole == [0.25] * 4
    assert quarter == [0, 1, 0, 0]
    assert most == pytest.approx([1 / 3, 2 / 3, 0, 0])
    assert none == [0] * 4
    assert _shares(boxes[:0], 4).shape == (0, 4)
    with pytest.raises(UsageError, match="6 positions"):
        _shares(boxes, 6)


def test_boxes_are_shares_of_the_middle_that_the_tower_sees() -> None:
    assert regions_of(META, 16, 16, (8, 8)) == (
        ("ship", (0.125, 0.0, 0.5, 0.375)), ("roof", (0.03125, 0.5625, 0.1875, 0.75)),
    )  # fmt: skip
    # of 16 x 12 the middle 12 x 12: the roof is mostly cut off
    assert regions_of(META, 16, 12, (8, 8)) == (("ship", (0.0, 0.0, 0.5, 0.5)),)
    assert regions_of({}, 16, 16, (8, 8)) == regions_of({"facts": 1}, 0, 0, (8, 8)) == ()


def test_batches_bring_regions_where_they_are_asked_for(tmp_path: Path) -> None:
    plain = striped_pairs(tmp_path / "plain", 10)
    pairs = write_pairs(tmp_path / "pairs", (replace(pair, meta=META) for pair in plain.rows()))
    settings = DataSettings(batch_size=4, augment=AugmentSettings(colour=0.1))
    for memory_mb in (0, 64):
        given = replace(settings, memory_mb=memory_mb)
        batch = next(
            iter(PairsDataModule(pairs, given, ToyTower(), regions=True).train_dataloader())
        )
        assert batch.regions == (regions_of(META, 12, 12, (8, 8)),) * 4
        assert len(batch.regions[0]) == 2
    batch = next(iter(PairsDataModule(pairs, settings, ToyTower()).train_dataloader()))
    assert batch.regions == ((),) * 4


def test_pairs_without_any_box_are_refused(tmp_path: Path) -> None:
    pairs = striped_pairs(tmp_path / "pairs", 10)
    with pytest.raises(BadInput, match=r"region_category: no training pair has boxes .*--boxes"):
        PairsDataModule(pairs, DataSettings(), ToyTower(), regions=True)


def test_views_that_move_objects_are_refused(tmp_path: Path) -> None:
    pairs = striped_pairs(tmp_path / "pairs", 10)
    settings = DataSettings(augment=AugmentSettings(flip=True, crop_scale=(0.5, 1.0)))
    with pytest.raises(BadInput, match=r"data\.augment: flip, crop_scale would move"):
        PairsDataModule(pairs, settings, ToyTower(), regions=True)


def test_a_template_without_a_place_for_the_name_is_refused() -> None:
    with pytest.raises(UsageError, match=r"template needs \{\}"):
        inputs(load("objectives", "region_category")(template="a photo")).objective.region_texts(
            inputs(load("objectives", "infonce")()).batch
        )

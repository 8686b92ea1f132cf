"""The second view is another image of the study; images of wrong captions come with their pair."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from domainclip.data import PairsDataModule
from domainclip.data.batch import PairBatch
from domainclip.data.settings import AugmentSettings, DataSettings, SecondViewSettings
from domainclip.errors import BadInput
from domainclip.pairs import Pair, Pairs
from tests.data.make_pairs import make_pair, write_pairs
from tests.data.toy_tower import ToyTower

SIDES = ("L", "L", "R", "R")
BREAST = SecondViewSettings("document", ("ImageLaterality",))
ANY = SecondViewSettings("document")


def grey(number: int) -> bytes:
    """A picture of one grey, by which it is known again."""
    buffer = BytesIO()
    Image.new("RGB", (8, 8), (10 * number,) * 3).save(buffer, "PNG")
    return buffer.getvalue()


def study(number: int, views: int = 4, split: str = "train") -> list[Pair]:
    """Pairs 4 number, ... of a study with both breasts in two views."""
    return [
        make_pair(
            4 * number + at, image=grey(4 * number + at), split=split, document=f"study {number}",
            group=f"patient {number // 2}", meta={"ImageLaterality": SIDES[at]},
        )
        for at in range(views)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    """Three studies, the last without its third and fourth view; a fourth study is in val."""
    rows = [*study(0), *study(1), *study(2, views=3), *study(3, split="val")]
    rows += [replace(row, split="test") for row in study(4)[:1]]
    rows += [replace(row, document="study 0") for row in study(5, split="test")]
    return write_pairs(tmp_path_factory.mktemp("data") / "pairs", rows, part_bytes=1200)


def module(pairs: Pairs, second: SecondViewSettings | None, **options: Any) -> PairsDataModule:
    wanted = {name: options.pop(name) for name in ("views", "negative_images") if name in options}
    settings = DataSettings(**{"batch_size": 3, "second_view": second, **options})
    return PairsDataModule(pairs, settings, ToyTower(), seed=5, **{"views": 2, **wanted})


def epoch(data: PairsDataModule, number: int = 0, consumed: int = 0) -> list[PairBatch]:
    data.place(number, consumed)
    return list(data.train_dataloader())


def seen(found: list[PairBatch]) -> dict[int, list[int]]:
    """Number of a pair -> numbers of the pairs whose images are its views."""
    return {
        int(key[-6:]): [round(float(view.float().mean()) / 10) for view in views]
        for batch in found if batch.views is not None
        for key, views in zip(batch.keys, batch.views, strict=True)
    }  # fmt: skip


def test_the_second_view_is_another_of_the_same_breast(pairs: Pairs) -> None:
    data = module(pairs, BREAST)
    other = {0: 1, 1: 0, 2: 3, 3: 2, 4: 5, 5: 4, 6: 7, 7: 6, 8: 9, 9: 8, 10: 10}
    for number in range(3):
        assert seen(epoch(data, number)) == {key: [view, key] for key, view in other.items()}
    (said,) = data.said()
    assert "10 of 11 training images have another of their document" in said
    assert said.endswith(
        "with the same ImageLaterality; of 1 there is none, and a random view of itself is taken"
    )


@pytest.mark.parametrize(("second", "size"), [(ANY, 4), (SecondViewSettings("group"), 8)])
def test_any_other_of_a_study_or_patient_is_drawn_anew_each_epoch(
    pairs: Pairs, second: SecondViewSettings, size: int
) -> None:
    data = module(pairs, second)
    drawn: dict[int, set[int]] = {}
    for number in range(90):
        for key, (view, _) in seen(epoch(data, number)).items():
            drawn.setdefault(key, set()).add(view)
    for key, views in drawn.items():
        unit = set(range(size * (key // size), size * (key // size + 1))) & set(range(11))
        assert views == unit - {key}, key  # never itself, never a row of another split


def test_without_the_setting_views_are_of_the_image_itself(pairs: Pairs) -> None:
    data = module(pairs, None)
    assert all(views == [key, key] for key, views in seen(epoch(data)).items())
    assert not list(data.said())
    (said,) = module(pairs, ANY, views=0).said()
    assert said == "data.second_view: the objective asks for no views, so it is not used"


def test_validation_takes_the_next_of_the_study(pairs: Pairs) -> None:
    data = module(pairs, ANY, augment=AugmentSettings(colour=0.5))
    found = [seen(list(data.val_dataloader())) for _ in range(2)]
    assert found[0] == found[1] == {12: [13, 12], 13: [14, 13], 14: [15, 14], 15: [12, 15]}


def same(first: list[PairBatch], second: list[PairBatch]) -> bool:
    def equal(a: Tensor | None, b: Tensor | None) -> bool:
        return a is b is None or (a is not None and b is not None and torch.equal(a, b))

    return len(first) == len(second) and all(
        (a.keys, a.negative_captions) == (b.keys, b.negative_captions) and equal(a.views, b.views)
        and equal(a.images, b.images) and equal(a.negative_images, b.negative_images)
        for a, b in zip(first, second, strict=True)
    )  # fmt: skip


AUGMENT = AugmentSettings(flip=True, crop_scale=(0.5, 1.0), colour=0.2)


@pytest.mark.parametrize("workers", [0, 2])
def test_memory_stream_workers_and_a_restart_see_the_same_views(pairs: Pairs, workers: int) -> None:
    whole = epoch(module(pairs, ANY, augment=AUGMENT), 3)
    streamed = module(pairs, ANY, augment=AUGMENT, memory_mb=0, workers=workers)
    assert same(whole, epoch(streamed, 3))
    assert same(whole[1:], epoch(streamed, 3, consumed=whole[0].consumed))
    assert not same(whole, epoch(streamed, 4))


def test_two_ranks_see_together_what_one_sees(
    pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = module(pairs, ANY)
    whole = seen(epoch(data)).items()
    parts: list[tuple[int, list[int]]] = []
    for rank in range(2):
        monkeypatch.setattr(data, "ranks", lambda rank=rank: (rank, 2))
        parts += seen(epoch(data)).items()
    assert len(parts) == 12 and all(pair in parts for pair in whole)  # the twelfth fills up


@pytest.mark.parametrize("memory_mb", [0, 1024])
def test_a_partner_that_cannot_be_decoded_is_replaced_by_the_image_itself(
    tmp_path: Path, memory_mb: int
) -> None:
    rows = study(0)
    rows[1] = replace(rows[1], image=b"no image")
    data = module(write_pairs(tmp_path / "pairs", rows), BREAST, memory_mb=memory_mb)
    assert seen(epoch(data)) == {0: [0, 0], 2: [3, 2], 3: [2, 3]}


@pytest.mark.parametrize(
    ("second", "changes", "said"),
    [
        (SecondViewSettings("document", ("Lateralty",)), {}, "no training pair has the field 'Lat"),
        (ANY, {"document": ""}, "says of which document it is; choose another 'by'"),
    ],
)
def test_a_study_that_no_pair_has_is_refused(
    tmp_path: Path, second: SecondViewSettings, changes: dict[str, Any], said: str
) -> None:
    rows = [replace(row, **changes) for row in study(0)]
    with pytest.raises(BadInput, match=said):
        module(write_pairs(tmp_path / "pairs", rows), second)


def opposites(path: Path, **changes: Any) -> Pairs:
    """Eight pairs; 4 and 5 are wrong for 0, 6 for 1, 7 for a pair of another split."""
    owners = {4: 0, 5: 0, 6: 1, 7: 11}
    rows = [
        make_pair(
            n, image=changes.get(str(n)) or grey(n), split="train", document="", group="",
            meta={"negative_of": f"pair-{owners[n]:06d}"} if n in owners else {"negative_of": ""},
        )
        for n in range(8)
    ]  # fmt: skip
    return write_pairs(path, rows)


@pytest.mark.parametrize("memory_mb", [0, 1024])
def test_images_of_wrong_captions_come_with_their_pair_and_not_alone(
    tmp_path: Path, memory_mb: int
) -> None:
    data = module(opposites(tmp_path / "pairs"), None, negative_images=True, memory_mb=memory_mb)
    assert data.samples(0) == 4
    drawn: set[tuple[int, int]] = set()
    for number in range(12):
        for batch in epoch(data, number):
            has = [(k, c) for k, c in zip(batch.keys, batch.negative_captions, strict=True) if c]
            images = [] if batch.negative_images is None else list(batch.negative_images)
            for (key, caption), image in zip(has, images, strict=True):
                wrong = round(float(image.float().mean()) / 10)
                assert caption == f"caption of pair {wrong}"
                drawn.add((int(key[-6:]), wrong))
    assert drawn == {(0, 4), (0, 5), (1, 6)}
    (said,) = data.said()
    assert said == (
        "negative images: 2 of 4 training pairs have one or more; 1 more of no training pair"
    )


def test_a_batch_takes_its_wrong_images_along(tmp_path: Path) -> None:
    data = module(opposites(tmp_path / "pairs"), None, negative_images=True, batch_size=4)
    (batch,) = epoch(data)
    assert batch.negative_images is not None and len(batch.negative_images) == 2
    moved = data.on_after_batch_transfer(batch.to("cpu"), 0).negative_images
    torch.testing.assert_close(moved, (batch.negative_images / 255 - 0.5) / 0.5)


def test_a_wrong_image_that_cannot_be_decoded_is_none(tmp_path: Path) -> None:
    pairs = opposites(tmp_path / "pairs", **{"6": b"no image"})
    data = module(pairs, None, negative_images=True, batch_size=4)
    (batch,) = epoch(data)
    named = dict(zip(batch.keys, batch.negative_captions, strict=True))
    assert named["pair-000001"] == "" and named["pair-000000"]


def test_who_asks_for_no_wrong_images_has_plain_pairs_of_them(tmp_path: Path) -> None:
    pairs = opposites(tmp_path / "pairs")
    assert module(pairs, None).samples(0) == 8
    with pytest.raises(BadInput, match="a field 'negative_of' in meta"):
        module(write_pairs(tmp_path / "plain", study(0)), None, negative_images=True)

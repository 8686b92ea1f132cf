"""The same batches from memory, from the stream and from workers; broken images cost themselves."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
import torch
from PIL import Image

from domainclip.backbones.pictures import Preprocess
from domainclip.data import PairsDataModule, draw_shots, find_classes
from domainclip.data.batch import PairBatch
from domainclip.data.classes import left_out
from domainclip.data.settings import AugmentSettings, DataSettings
from domainclip.data.transforms import Transform
from domainclip.errors import BadInput, UsageError
from domainclip.pairs import Pairs, Text
from tests.data.make_pairs import encoded_image, make_pair, write_pairs
from tests.data.tiny_towers import make_backbone
from tests.data.toy_tower import ToyTower, striped_pairs

AUGMENT = AugmentSettings(
    flip=True, vertical_flip=True, rot90=True, crop_scale=(0.5, 1.0), colour=0.2
)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return striped_pairs(tmp_path_factory.mktemp("data") / "pairs", broken=7)


def module(pairs: Pairs, **options: object) -> PairsDataModule:
    settings = DataSettings(**{"batch_size": 8, "augment": AUGMENT, **options})  # type: ignore[arg-type]
    return PairsDataModule(pairs, settings, ToyTower(), seed=5)


def batches(data: PairsDataModule, epoch: int = 0, consumed: int = 0) -> list[PairBatch]:
    data.place(epoch, consumed)
    return list(data.train_dataloader())


def same(first: list[PairBatch], second: list[PairBatch]) -> bool:
    return [batch.keys for batch in first] == [batch.keys for batch in second] and all(
        torch.equal(a.images, b.images)
        and torch.equal(a.labels, b.labels)
        and (a.captions, a.skipped, a.consumed) == (b.captions, b.skipped, b.consumed)
        for a, b in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_memory_stream_and_workers_give_the_same_batches(pairs: Pairs, workers: int) -> None:
    from_memory = batches(module(pairs), epoch=3)
    assert same(from_memory, batches(module(pairs, memory_mb=0, workers=workers), epoch=3))
    assert not same(from_memory, batches(module(pairs), epoch=4))


@pytest.mark.parametrize("memory_mb", [0, 1024])
def test_an_epoch_goes_on_where_it_stood(pairs: Pairs, memory_mb: int) -> None:
    data = module(pairs, memory_mb=memory_mb)
    whole = batches(data, epoch=1)
    assert same(whole[2:], batches(data, epoch=1, consumed=whole[1].consumed))
    assert whole[-1].consumed == data.samples(0) == 48


def test_a_broken_image_is_left_out_and_named(pairs: Pairs) -> None:
    found = batches(module(pairs))
    assert sum(map(len, found)) == 47
    ((key, reason),) = [skip for batch in found for skip in batch.skipped]
    assert key == "pair-000007" and reason


def test_random_state_is_left_as_it_was(pairs: Pairs) -> None:
    data = module(pairs)
    before = torch.get_rng_state()
    batches(data)
    assert torch.equal(before, torch.get_rng_state())


def test_validation_is_plain_and_in_order(pairs: Pairs) -> None:
    data = module(pairs)
    found = list(data.val_dataloader())
    keys = [key for batch in found for key in batch.keys]
    assert keys == sorted(keys) and len(keys) == 12
    assert same(found, list(data.val_dataloader()))


def test_images_reach_the_tower_normalised(pairs: Pairs) -> None:
    data = module(pairs)
    batch = next(iter(data.val_dataloader()))
    seen = data.on_after_batch_transfer(batch, 0).images
    torch.testing.assert_close(seen, (batch.images / 255 - 0.5) / 0.5)


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(50, 31), (20, 90)])
def test_plain_view_is_the_backbones_preprocessing(mode: str, size: tuple[int, int]) -> None:
    image = encoded_image(3, size=size)
    backbone = make_backbone("vit")
    backbone.preprocess = Preprocess(
        (24, 24), (0, 0, 0), (1, 1, 1), resize_mode=mode, interpolation="bilinear", fill_color=90
    )
    wanted = backbone.preprocess(Image.open(BytesIO(image)))
    found = Transform.of(backbone, (24, 24)).prepare(image) / 255
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)


def test_large_images_are_kept_no_larger_than_crops_need() -> None:
    image = encoded_image(1, size=(200, 100))
    half = Transform((20, 20), augment=AugmentSettings(crop_scale=(0.25, 1.0)))
    assert half.prepare(image).shape == (3, 40, 80)
    assert half.stored_bytes(200, 100) == 3 * 40 * 80
    assert half.view(half.prepare(image), 1).shape == (3, 20, 20)
    small = encoded_image(1, size=(30, 16))
    assert half.prepare(small).shape == (3, 16, 30)  # never made larger before the crop


def test_captions_are_drawn_among_the_roles(tmp_path: Path) -> None:
    texts = (Text("title", "t"), Text("mention", "m"), Text("abstract", "a"))
    pairs = write_pairs(
        tmp_path / "p", (make_pair(n, text="c", texts=texts, split="train") for n in range(20))
    )
    data = module(pairs, text_roles=("caption", "title"), augment=AugmentSettings())
    seen = [{c for batch in batches(data, epoch) for c in batch.captions} for epoch in range(2)]
    assert seen == [{"c", "t"}] * 2
    some = write_pairs(
        tmp_path / "some",
        (
            make_pair(n, text="c", texts=texts + (Text("findings", "f"),) * (n < 10), split="train")
            for n in range(20)
        ),
    )
    few = module(some, text_roles=("findings",), augment=AugmentSettings())
    assert {c for batch in batches(few) for c in batch.captions} == {"c", "f"}
    assert not list(few.said())


def test_roles_that_no_training_pair_has_are_told_or_refused(tmp_path: Path) -> None:
    texts = (Text("title", "t"), Text("mention", ""))  # an empty text is none
    rows = [
        *(make_pair(n, text="c" * (n < 3), texts=texts[n % 2 :], split="train") for n in range(6)),
        make_pair(6, text="", texts=(Text("findings", "f"),), split="test"),
    ]
    pairs = write_pairs(tmp_path / "p", rows)
    there = r"there are caption 3, title 3\."
    with pytest.raises(BadInput, match=r"text in the role captoin; " + there + " Did.*'caption'"):
        module(pairs, text_roles=("captoin",))
    with pytest.raises(BadInput, match=r"text in the role findings or mention; " + there):
        module(pairs, text_roles=("findings", "mention"))
    (said,) = module(pairs, text_roles=("caption", "title", "findings")).said()
    assert said.endswith("no training pair has a text in the role findings; " + there[:-2])
    # the default text, of which pairs with labels alone have none
    assert not list(module(write_pairs(tmp_path / "q", rows[3:]), text_roles=("caption",)).said())


def test_second_captions_are_any_of_the_others(tmp_path: Path) -> None:
    texts = tuple(Text("caption", f"text {number}") for number in range(4))
    pairs = write_pairs(
        tmp_path / "p",
        (make_pair(n, text="text 0", texts=texts, split="train") for n in range(20)),
    )
    data = PairsDataModule(pairs, DataSettings(batch_size=8), ToyTower(), seed=5, second=True)
    found = Counter(
        (int(second[-1]) - int(first[-1])) % 4
        for epoch in range(5) for batch in batches(data, epoch)
        for first, second in zip(batch.captions, batch.seconds, strict=True)
    )  # fmt: skip
    assert set(found) == {1, 2, 3} and min(found.values()) > 20  # of 100, a third each


def test_classes_come_from_labels_or_from_the_recipe(pairs: Pairs) -> None:
    assert find_classes(pairs).labels == ("a", "b", "c")
    named = find_classes(pairs, {"c": "crops", "a": "asphalt"})
    assert named.names == ("crops", "asphalt")
    assert [named.index(("b",)), named.index(("b", "a")), named.index(())] == [-1, 1, -1]
    assert find_classes(pairs).counts(pairs, "train").tolist() == [16, 16, 16]
    with pytest.raises(BadInput, match=r"the label 'aa'"):
        find_classes(pairs, {"aa": "x"})
    with pytest.raises(BadInput, match=r"'a' and 'c' are both called 'land'"):
        find_classes(pairs, {"a": "land", "b": "bush", "c": "land"})


def test_rows_of_labels_without_a_name_are_counted(tmp_path: Path) -> None:
    rows = [(("a",), "train"), (("b", "a"), "train"), (("b",), "test"), (("c", "b"), "test"),
            (("a",), "test"), ((), "test"), (("c",), "")]  # fmt: skip
    made = [make_pair(n, labels=labels, split=split) for n, (labels, split) in enumerate(rows)]
    pairs = write_pairs(tmp_path / "left", made)
    found = left_out(pairs, find_classes(pairs, {"a": "asphalt"}))
    assert found.labels == ("b", "c")
    assert (dict(found.rows), dict(found.labelled)) == (
        {"test": 2, "": 1}, {"train": 2, "test": 3, "": 1},
    )  # fmt: skip
    assert not left_out(pairs, find_classes(pairs)).labels


def test_draws_follow_the_two_lineages() -> None:
    train, val = [1, 0, 1, 0, 1, 0, -1, 2], [0, 1, 0, 1, 2]
    stream = Random(7)
    coop = draw_shots(train, val, shots=2, seed=7, sampler="coop")
    assert coop.train == (*stream.sample([0, 2, 4], 2), *stream.sample([1, 3, 5], 2), 7)
    assert coop.val == (*stream.sample([0, 2], 2), *stream.sample([1, 3], 2), 4)
    stream = Random(7)
    tip = draw_shots(train, val, shots=2, seed=7, sampler="tip", repeats=True)
    assert tip.val == (*stream.sample([0, 2], 2), *stream.sample([1, 3], 2), 4, 4)
    stream.choices([4], k=2)
    assert tip.train == (*stream.sample([0, 2, 4], 2), *stream.sample([1, 3, 5], 2), 7, 7)
    with pytest.raises(UsageError):
        draw_shots(train, val, shots=0, seed=1)
    # recorded: these lists must never change
    assert draw_shots([0] * 50, [0] * 9, shots=4, seed=1).train == (8, 36, 48, 4)


@pytest.mark.parametrize("options", [{}, {"memory_mb": 0}, {"memory_mb": 0, "workers": 2}])
def test_validation_batches_are_the_same_for_any_number_of_ranks(
    pairs: Pairs, options: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contrastive loss depends on the batch: ranks deal whole ones among themselves."""

    def seen(world_size: int, batch_size: int) -> list[tuple[str, ...]]:
        found = []
        for rank in range(world_size):
            data = module(pairs, batch_size=batch_size, **options)
            monkeypatch.setattr(data, "ranks", lambda rank=rank: (rank, world_size))
            mine = [batch.keys for batch in data.val_dataloader()]
            assert mine  # an empty one where there is nothing to validate
            found += [keys for keys in mine if keys]
        return sorted(found)

    one = seen(1, 4)
    assert len(one) > 1 and seen(2, 2) == one and seen(4, 1) == one
    assert len(seen(2, 500)) == 1

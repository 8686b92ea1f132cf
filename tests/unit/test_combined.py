"""Adapters made of adapters: what may be combined, what may not, and WiSE-FT of any of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from domainclip.adapters.combined import Combined
from domainclip.adapters.interpolation import interpolate
from domainclip.adapters.wise_ft import WiSEFT
from domainclip.catalogue import load
from domainclip.classifier import few_shot, load_classifier
from domainclip.errors import BadInput, UsageError
from tests.data.tiny_towers import images, make_backbone

NAMES = ["cat", "polar bear", "sea"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAINCLIP_CACHE", str(tmp_path / "cache"))


def _fit(method: str, **options: Any) -> Any:
    return few_shot(
        make_backbone("vit"), list(images(6)), [0, 1, 2] * 2, NAMES, method=method, epochs=3,
        lr=1e-2, options=options,
    )  # fmt: skip


PARTS: list[tuple[dict[str, Any], ...]] = [
    ({"name": "svd", "towers": ["image"]}, {"name": "coop", "n_ctx": 3}),
    ({"name": "lora", "towers": ["text"]}, {"name": "kgcoop"}),
    ({"name": "maple"}, {"name": "lora", "towers": ["image"], "targets": ["mlp"]}),
    ({"name": "lora", "targets": ["q", "v"]}, {"name": "svd", "targets": ["mlp"]}),
    ({"name": "norm_tuning"}, {"name": "lora"}),
]


@pytest.mark.parametrize("parts", PARTS, ids=lambda p: "+".join(each["name"] for each in p))
def test_every_part_trains_and_the_whole_is_saved_and_taken_out(
    parts: tuple[dict[str, Any], ...], tmp_path: Path
) -> None:
    found = _fit("combined", parts=parts)
    adapter, clip = found.component, found.clip
    fresh = Combined(parts=parts)
    plain = make_backbone("vit")
    fresh.for_classes(NAMES, ["a photo of a {}."])
    fresh.inject(plain)
    start, trained = fresh.state(), adapter.state()
    for number, part in enumerate(parts):
        mine = [name for name in trained if name.startswith(f"{number}_{part['name']}.")]
        assert any(not torch.equal(trained[name], start[name]) for name in mine)
    expected = found.logits(images())
    found.save(tmp_path / "mine")
    adapter.eject()
    assert all(
        torch.equal(a, b)
        for a, b in zip(
            clip.model.state_dict().values(), make_backbone("vit").model.state_dict().values(),
            strict=True,
        )
    )  # fmt: skip
    again = load_classifier(tmp_path / "mine", clip)
    assert torch.equal(again.logits(images()), expected)
    if any(part["name"] in ("coop", "kgcoop", "maple") for part in parts):
        with pytest.raises(UsageError, match="cannot be merged"):
            again.component.merge()
        assert torch.equal(again.logits(images()), expected)


def test_a_part_with_a_text_bank_is_loaded_without_the_file(tmp_path: Path) -> None:
    bank = tmp_path / "bank.jsonl"
    bank.write_text(
        "".join(f'{{"class": "{c}", "text": "a {c}", "origin": "test"}}\n' for c in NAMES)
    )
    found = _fit("combined", parts=({"name": "vdt", "bank": str(bank)}, {"name": "norm_tuning"}))
    expected = found.logits(images())
    found.save(tmp_path / "mine")
    bank.unlink()
    again = load_classifier(tmp_path / "mine", make_backbone("vit"))
    assert torch.equal(again.logits(images()), expected)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((), "lists no adapter"),
        (({"name": "lora"}, {"name": "svd"}), r"lora and svd would both change 'transformer\."),
        (({"name": "full"}, {"name": "lora"}), "full and lora would both change"),
        (
            (
                {"name": "lora", "towers": ["image"], "targets": ["q"]},
                {"name": "svd", "towers": ["image"], "targets": ["o"]},
            ),
            "would both change",
        ),
        (({"name": "coop", "n_ctx": 2}, {"name": "kgcoop"}), "a class has one prompt"),
        (({"name": "lora", "rnk": 2},), r"lora has no option 'rnk'.* 'rank'"),
        (({"name": "wise_ft"},), "once more after the training"),
        (({"name": "combined", "parts": []},), "not another combination"),
        (({"lora": 1},), "a part is"),
    ],
)
def test_what_cannot_be_combined_is_refused_with_the_reason(
    parts: tuple[dict[str, Any], ...], said: str
) -> None:
    backbone = make_backbone("vit")
    before = {name: id(module) for name, module in backbone.model.named_modules()}
    with pytest.raises(UsageError, match=said):
        Combined(parts=parts).inject(backbone)
    assert {name: id(module) for name, module in backbone.model.named_modules()} == before
    assert all(p.requires_grad for p in backbone.model.parameters())


@pytest.mark.parametrize("of", ["full", "bitfit", "svd", "lora"])
def test_wise_ft_lies_between_the_plain_and_the_trained_weights(of: str) -> None:
    ends = _fit("wise_ft", of=of, alpha=1.0), _fit("wise_ft", of=of, alpha=0.5)
    (_, whole), (_, half) = (found.component._parts[0] for found in ends)
    interpolate(whole, 0.5)
    for name, value in whole.state().items():
        torch.testing.assert_close(half.state()[name], value, rtol=1e-5, atol=1e-7)
    assert torch.equal(
        _fit("wise_ft", of=of, alpha=1.0).logits(images()), _fit(of).logits(images())
    )


def test_fisher_leaves_a_weight_where_it_is_certain() -> None:
    adapter = _fit("wise_ft", of="bitfit", alpha=0.5, fisher=True).component
    plain, tuned = (
        _fit("wise_ft", of="bitfit", alpha=alpha).component.state() for alpha in (0.0, 1.0)
    )
    for name, value in adapter.state().items():
        low, high = torch.minimum(plain[name], tuned[name]), torch.maximum(plain[name], tuned[name])
        assert bool((value >= low - 1e-6).all() and (value <= high + 1e-6).all())
    middle = _fit("wise_ft", of="bitfit", alpha=0.5).component.state()
    assert any(not torch.allclose(middle[n], v) for n, v in adapter.state().items())


def test_wise_ft_of_what_moves_on_no_line_is_refused() -> None:
    for options in ({"of": "coop"}, {"of": "lora", "options": {"dora": True}}, {"alpha": 1.5}):
        with pytest.raises(UsageError, match="wise_ft"):
            _fit("wise_ft", **options)


def test_flyp_trains_both_towers_on_the_prompts_of_the_images() -> None:
    clip = make_backbone("vit")
    before = {name: value.clone() for name, value in clip.model.state_dict().items()}
    found = few_shot(
        clip, list(images(6)), [0, 1, 2] * 2, NAMES, method="flyp", epochs=2, lr=1e-3,
        templates=["a {}.", "the {}."],
    )  # fmt: skip
    moved = {n for n, v in found.component.state().items() if not torch.equal(v, before[n])}
    assert {"logit_scale", "visual.proj", "text_projection"} <= moved
    assert float(clip.logit_scale.detach()) <= 100.001


@pytest.mark.parametrize("towers", [("text",), ("image",), ("image", "text")])
def test_clip_refine_sees_the_images_whichever_tower_trains(towers: tuple[str, ...]) -> None:
    clip = make_backbone("vit")
    before = {name: value.clone() for name, value in clip.model.state_dict().items()}
    found = few_shot(
        clip, list(images(6)), [0, 1, 2] * 2, NAMES, method="clip_refine", epochs=1, lr=1e-3,
        options={"towers": towers},
    )  # fmt: skip
    moved = {n for n, v in found.component.state().items() if not torch.equal(v, before[n])}
    assert any(name.startswith("visual.") for name in moved) == ("image" in towers)
    assert any(not name.startswith("visual.") for name in moved) == ("text" in towers)


def test_ft_clip_moves_lower_blocks_less() -> None:
    clip = make_backbone("vit")
    before = {name: value.clone() for name, value in clip.model.state_dict().items()}
    few_shot(
        clip, list(images(6)), [0, 1, 2] * 2, NAMES, method="ft_clip", epochs=1, lr=1e-3, views=1
    )
    # AdamW's first step is the rate itself
    step = {
        block: float(
            (
                clip.model.get_parameter(f"visual.transformer.resblocks.{block}.mlp.c_fc.bias")
                - before[f"visual.transformer.resblocks.{block}.mlp.c_fc.bias"]
            )
            .detach()
            .abs()
            .median()
        )
        for block in (0, 1)
    }
    assert step[0] == pytest.approx(0.6 * step[1], rel=0.05)


def test_one_class_and_no_label_are_refused_by_what_trains_on_images() -> None:
    with pytest.raises(BadInput, match="at least two"):
        few_shot(make_backbone("vit"), list(images()), [0, 0, 0], ["cat"], method="lora")
    with pytest.raises(BadInput, match="labels is None"):
        few_shot(make_backbone("vit"), list(images()), None, NAMES, method="gda")


def test_too_few_images_of_a_class_are_named_or_drawn_twice() -> None:
    given = list(images(4)), [0, 1, 2, 0], NAMES
    with pytest.warns(UserWarning, match=r"fewer than 2 .*all of them.* 'polar bear' 1, 'sea' 1"):
        few_shot(make_backbone("vit"), *given, method="knn", shots=2)
    with pytest.warns(UserWarning, match="some were drawn twice"):
        few_shot(make_backbone("vit"), *given, method="knn", shots=2, repeats=True)


def test_every_adapter_of_the_catalogue_says_how_few_shot_trains_it() -> None:
    for name in ("coop", "cocoop", "maple", "flyp", "ft_clip", "clip_refine", "bitfit"):
        made = load("adapters", name)()
        assert made.schedule.lr > 0 and made.schedule.epochs > 0
    assert WiSEFT(of="bitfit").schedule.lr == load("adapters", "bitfit")().schedule.lr

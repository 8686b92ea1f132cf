"""Any recipe, written out and read again, is the same recipe."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domainclip.data.settings import AugmentSettings, DataSettings, SplitSettings
from domainclip.recipe import BackboneSettings, Recipe, TextSettings, load_recipe, to_yaml
from domainclip.training.settings import TrainerSettings

# words that YAML 1.1 or 1.2 would read as something else come up often
words = st.sampled_from(
    ["no", "on", "1e-3", "null", "~", "0x1f", "12:30", "a: b", "- a", "2024-01-01", "=", ".inf",
     "", " x ", "été", "{}", "'", '"', "#", "!x", "*a", "1_0"]
)  # fmt: skip
text = words | st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
positive = st.floats(1e-9, 1e6)
trainers = st.builds(
    TrainerSettings,
    epochs=st.integers(1, 10**6),
    lr=positive,
    betas=st.tuples(positive, positive),
    optimizer=st.sampled_from(["adamw", "sgd"]),
    clip_norm=st.none() | positive,
    devices=st.just("auto") | st.integers(1, 8),
    strategy=st.sampled_from(["auto", "ddp", "fsdp"]),
    ema=st.none() | st.floats(0.1, 0.9),
)
splits = st.builds(SplitSettings, seed=st.integers(-(2**40), 2**40), buffer=st.none() | positive)
data = st.builds(
    DataSettings,
    pairs=text,
    split=st.none() | splits,
    text_roles=st.lists(text, max_size=3).map(tuple),
    weights=st.dictionaries(text, positive, max_size=3),
    augment=st.builds(AugmentSettings, flip=st.booleans()),
)
texts = st.builds(
    TextSettings,
    classnames=st.none()
    | st.lists(st.tuples(text, text), max_size=4, unique_by=(lambda p: p[0], lambda p: p[1])).map(
        dict
    ),
    templates=st.lists(text.map(lambda word: word + "{}"), max_size=3).map(tuple),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=text, seed=st.integers(0, 2**63), trainer=trainers, data=data, texts=texts,
       backbone=text.map(lambda word: f"hf-hub:{word}"))  # fmt: skip
def test_written_and_read_is_the_same(
    tmp_path: Path, name: str, seed: int, trainer: TrainerSettings, data: DataSettings,
    texts: TextSettings, backbone: str,
) -> None:  # fmt: skip
    recipe = Recipe(
        name=name, seed=seed, backbone=BackboneSettings(backbone), data=data, text=texts,
        trainer=trainer,
    )  # fmt: skip
    path = tmp_path / "r.yaml"
    path.write_text(to_yaml(recipe), encoding="utf-8")
    once = load_recipe(path)  # fills in the options of the text component
    assert once.text.classnames == texts.classnames and once.text.templates == texts.templates
    assert (once.name, once.seed, once.data, once.trainer, once.backbone) == (
        name, seed, data, trainer, recipe.backbone,
    )  # fmt: skip
    path.write_text(to_yaml(once), encoding="utf-8")
    assert load_recipe(path) == once

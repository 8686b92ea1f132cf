"""What a recipe's text section may say of long texts is checked before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from domainclip.errors import RecipeError
from domainclip.recipe import load_recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{long: window}", "text.long: unknown option of 'truncate'. How long texts are read is "
         "text.name, such as text.name=window."),
        ("{name: stretch, length: 10}", "text.length: 10 is no stretch where the first 20 stay"),
        ("{name: stretch, keep: 300}", "text.length: 248 is no stretch where the first 300 stay"),
        ("{name: sentences, language: xx}", "text.language: expected one of 'am', 'ar', "),
    ],
)  # fmt: skip
def test_a_wrong_key_or_value_is_told_with_the_remedy(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "name: small\nbackbone: {name: embedded}\ndata: {pairs: somewhere}\n"
        f"objective: {{name: infonce}}\ntext: {text}\n"
    )
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert message in str(caught.value)


def test_other_languages_and_lengths_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    for text in ("{name: sentences, language: de}", "{name: stretch, keep: 0, length: 100}"):
        path.write_text(
            "name: small\nbackbone: {name: embedded}\ndata: {pairs: somewhere}\n"
            f"objective: {{name: infonce}}\ntext: {text}\n"
        )
        assert load_recipe(path).text.options

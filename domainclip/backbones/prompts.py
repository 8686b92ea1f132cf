"""Class names and templates to prompts."""

from __future__ import annotations

from collections.abc import Sequence

from domainclip.errors import UsageError

__all__ = ["DEFAULT_TEMPLATES", "filled", "prompts_of"]

DEFAULT_TEMPLATES = ("a photo of a {}.",)


def prompts_of(
    classnames: Sequence[str], templates: Sequence[str] | None = None
) -> tuple[list[str], int]:
    """The prompts of each class in a row, and how many a class has.

    A template holds ``{}`` (or ``{c}``) where the class name goes; underscores of a class name
    become blanks. None takes DEFAULT_TEMPLATES. Raises UsageError.
    """
    if isinstance(classnames, str) or not classnames:
        raise UsageError("class names are a list of at least one name.")
    chosen = DEFAULT_TEMPLATES if templates is None else templates
    chosen = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    if not chosen:
        raise UsageError("templates are a list of at least one, such as 'a photo of a {}.'.")
    for template in chosen:
        if "{}" not in template and "{c}" not in template:
            raise UsageError(f"template {template!r} lacks the {{}} where the class name goes.")
    prompts = [filled(template, name) for name in classnames for template in chosen]
    return prompts, len(chosen)


def filled(template: str, name: str) -> str:
    """The prompt of one class."""
    words = name.replace("_", " ")
    return words.join(part.replace("{c}", words) for part in template.split("{}"))

"""Keep pairs whose picture is of some kinds: plots, diagrams, microscopy, radiology, photos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domainclip.catalogue import import_optional
from domainclip.curation._protocol import Decision
from domainclip.errors import BadInput, UsageError
from domainclip.images.encoded import decoded
from domainclip.images.figure_kind import KINDS, check_kinds, figure_kind

__all__ = ["FigureKind"]

# kind -> what a picture of it is called in captions and on the web, for zero-shot
_PROMPTS = {
    "plot": ("a line plot with axes", "a bar chart", "a scatter plot", "a statistical graph"),
    "diagram": ("a diagram with boxes and arrows", "a flowchart", "a schematic drawing"),
    "microscopy": ("a microscopy image of cells", "a histology slide", "an electron micrograph"),
    "radiology": ("a chest X-ray", "a CT scan", "an MRI scan", "an ultrasound image"),
    "photograph": ("a photo", "a photo of a person", "a photo of an object", "an aerial photo"),
    "map": ("a map", "a geographic map of countries", "a street map"),
    "equation": ("a mathematical equation", "a formula"),
    "table": ("a table of numbers", "a table with rows and columns of text"),
    "other": ("a page of text", "a logo", "a screenshot", "a gel electrophoresis blot"),
}


@dataclass(frozen=True, slots=True)
class FigureKind:
    """Keeps pairs of the kinds ``keep``, and leaves out those of other kinds.

    keep: of plot, diagram, microscopy, radiology, photograph, map, equation, table, other; written
    plot|diagram on the command line. images: look at the pictures; without, the kind is read from
    the labels, where ``extract papers`` writes it, and no image is read. backbone: look at the
    pictures with this backbone, zero-shot, in place of image statistics (needs the extra train);
    a name that ``dc.load_backbone`` takes. pretrained: its weights' tag, for open_clip's models.
    batch_size: pictures encoded at once. A picture that cannot be decoded is left out.
    """

    keep: tuple[str, ...] = tuple(kind for kind in KINDS if kind not in ("equation", "table"))
    images: bool = False
    backbone: str = ""
    pretrained: str = ""
    batch_size: int = 64

    def __post_init__(self) -> None:
        if not self.keep:
            raise UsageError(f"figure_kind: keep is empty; name kinds of {', '.join(KINDS)}.")
        check_kinds("figure_kind", self.keep)

    @property
    def columns(self) -> tuple[str, ...]:
        """The image only where it must be looked at."""
        return ("image",) if self.images or self.backbone else ("key", "labels")

    def start(self) -> Decision:
        """A decision without memory. Raises what ``load_backbone`` raises, and MissingExtra."""
        if self.backbone:
            kinds = _zero_shot(self.backbone, self.pretrained, self.batch_size)
        elif self.images:
            kinds = _measured
        else:
            kinds = _labelled

        def keep(table: pa.Table) -> NDArray[np.bool_]:
            found = kinds(table) if len(table) else ()
            return np.array([kind in self.keep for kind in found], dtype=bool)

        return keep


def kinds_by_backbone(backbone: Any, images: Iterable[Any], *, batch_size: int = 64) -> list[str]:
    """The kind of each image, zero-shot: the class whose mean prompt is nearest.

    backbone: a ``domainclip.backbones.Backbone``. images: as its ``encode_image`` takes them.
    """
    texts = [backbone.class_text(list(words), ["{}."]).mean(0) for words in _PROMPTS.values()]
    torch = import_optional("torch")
    classes = torch.nn.functional.normalize(torch.stack(texts), dim=-1).float().cpu()  # (kinds, d)
    features = backbone.encode_image(images, batch_size=batch_size)  # (n, d)
    names = list(_PROMPTS)
    return [names[best] for best in (features @ classes.detach().T).argmax(1).tolist()]


def _labelled(table: pa.Table) -> list[str]:
    keys = table.column("key").to_pylist()
    found = []
    for key, labels in zip(keys, table.column("labels").to_pylist(), strict=True):
        kind = next((label for label in labels or () if label in KINDS), None)
        if kind is None:
            raise BadInput(
                f"pair {key!r}: none of its labels is a kind of figure, which `extract papers` "
                "writes; look at the pictures with figure_kind:images=true."
            )
        found.append(kind)
    return found


def _measured(table: pa.Table) -> list[str]:
    pictures = _pictures(table)
    return [figure_kind(picture)[0] if picture else "" for picture in pictures]


def _zero_shot(name: str, pretrained: str, batch_size: int) -> Any:
    # torch is imported only here, where somebody asked for a backbone
    backbones = import_optional("domainclip.backbones")
    backbone = backbones.load_backbone(name, pretrained or None)

    def kinds(table: pa.Table) -> list[str]:
        pictures = list(_pictures(table))
        whole = [picture for picture in pictures if picture]
        found = iter(kinds_by_backbone(backbone, whole, batch_size=batch_size))
        return [next(found) if picture else "" for picture in pictures]

    return kinds


def _pictures(table: pa.Table) -> Iterator[Any]:
    """The decoded images, in order; None for one that cannot be decoded: it is of no kind."""
    for image in table.column("image"):
        try:
            yield decoded(image["bytes"].as_py() or b"")
        except ValueError:
            yield None

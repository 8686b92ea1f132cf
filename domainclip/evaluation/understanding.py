"""What an adaptation changed: how far each weight moved, and what its directions stand for.

Every weight W of a method that changes weights: ‖ΔW‖ and ‖ΔW‖ / ‖W‖ (Frobenius). Of singular
values also the directions u_k that were strengthened or weakened most, where they lie in what the
image tower writes last: P (g ∘ (u_k - mean u_k)), with g the last norm's scales and P the image
projection, is a direction among the features, and its nearest texts are words for it.
Reference: the reading of singular vectors in CLIP-SVD, Koleilat et al. 2025, arXiv 2509.03740,
after TextSpan, Gandelsman et al. 2024, arXiv 2310.05916.
Differs: directions are compared with embeddings less the vocabulary's mean, since all texts of CLIP
share a large common part; both ends of a direction are read, for its sign means nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.backbones import Backbone

__all__ = [
    "DirectionChange",
    "WeightChange",
    "direction_changes",
    "general_words",
    "table",
    "weight_changes",
]


@dataclass(frozen=True, slots=True)
class WeightChange:
    """One weight. norm: ‖ΔW‖. relative: ‖ΔW‖ / ‖W‖, None where W is zero."""

    weight: str
    norm: float
    relative: float | None


@dataclass(frozen=True, slots=True)
class DirectionChange:
    """One singular direction. number: from 0, by falling singular value. towards, opposite: the
    nearest texts of its two ends, with their cosines."""

    weight: str
    number: int
    singular_value: float
    delta: float
    towards: str
    opposite: str


def general_words() -> list[str]:
    """Some hundred things, materials, places and ways of drawing that most pictures are about."""
    return files("domainclip.evaluation").joinpath("words.txt").read_text("utf-8").split("\n")[:-1]


def weight_changes(adapter: Any) -> list[WeightChange]:
    """Of an injected adapter, the weight that moved most first; empty for one that moves none."""
    found = []
    for name, weight, change in adapter.changes() if hasattr(adapter, "changes") else ():
        norm, before = float(change.float().norm()), float(weight.float().norm())
        found.append(WeightChange(name, norm, norm / before if before else None))
    return sorted(found, key=lambda row: (-(row.relative or 0.0), row.weight))


def direction_changes(
    adapter: Any,
    backbone: Backbone,
    words: Sequence[str],
    templates: Sequence[str] = ("a photo of {}.",),
    *,
    most: int = 12,
    texts: int = 3,
) -> list[DirectionChange]:
    """The ``most`` changed directions that the image features can be read in, largest delta first.

    words: the vocabulary, each put into every template. texts: that many words an end. Empty for a
    method without singular values and for a tower whose last layers are of an unknown kind.
    """
    if not hasattr(adapter, "directions") or len(set(words)) < 2:
        return []
    found: list[tuple[float, str, int, float, Tensor]] = []
    read, width = _reading(backbone)
    last = max((site.block for site in backbone.sites("image")), default=-1)
    for name, site, u, s, delta in adapter.directions():
        writes = site.kind in ("conv", "proj") or (site.kind in ("o", "mlp") and site.block == last)
        if site.tower != "image" or not writes or read is None or len(u) != width:
            continue
        largest = delta.abs().topk(min(most, len(delta))).indices.tolist()
        found += [(float(delta[k]), name, k, float(s[k]), u[:, k]) for k in largest if delta[k]]
    found = sorted(found, key=lambda row: (-abs(row[0]), row[1], row[2]))[:most]
    if not found or read is None:
        return []
    vocabulary = list(dict.fromkeys(words))
    meaning = backbone.classifier(vocabulary, templates)  # (w, d)
    meaning = functional.normalize(meaning - meaning.mean(0), dim=1)
    directions = functional.normalize(read(torch.stack([row[4] for row in found])), dim=1)
    cosine = directions @ meaning.T  # (n, w)
    return [
        DirectionChange(
            name, k, s, delta, _named(row, vocabulary, texts), _named(-row, vocabulary, texts)
        )
        for (delta, name, k, s, _), row in zip(found, cosine, strict=True)
    ]


def table(rows: Sequence[Mapping[str, Any] | Any]) -> str:
    """Records of one kind as CSV with a head."""
    plain = [dict(row) if isinstance(row, Mapping) else asdict(row) for row in rows]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(plain[0]) if plain else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(plain)
    return out.getvalue()


def _named(cosines: Tensor, vocabulary: Sequence[str], count: int) -> str:
    best = cosines.topk(min(count, len(vocabulary)))
    pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
    return ", ".join(f"{vocabulary[at]} ({value:.2f})" for value, at in pairs)


def _reading(backbone: Backbone) -> tuple[Callable[[Tensor], Tensor] | None, int]:
    """(n, width) of what the last layers write -> (n, d); None for towers of another kind."""
    visual = backbone.model.visual
    trunk = getattr(visual, "trunk", None)
    if trunk is None:
        norm, projection = getattr(visual, "ln_post", None), getattr(visual, "proj", None)
    else:
        norms = [getattr(trunk, name, None) for name in ("fc_norm", "norm", "bn2")]
        norm = next((each for each in norms if getattr(each, "weight", None) is not None), None)
        projection = getattr(getattr(visual, "head", None), "proj", None)
        if isinstance(projection, nn.Linear):
            projection = projection.weight.T
        elif isinstance(projection, nn.Module) and not isinstance(projection, nn.Identity):
            return None, 0
    scales = getattr(norm, "weight", None)
    if not isinstance(scales, Tensor):
        return None, 0
    g = scales.detach().float().cpu()
    centred = isinstance(norm, nn.LayerNorm)
    variance = getattr(norm, "running_var", None)
    if isinstance(variance, Tensor):
        g = g / (variance.float().cpu() + getattr(norm, "eps", 1e-5)).sqrt()

    def read(u: Tensor) -> Tensor:
        u = u.detach().float().cpu()
        z = (u - u.mean(1, keepdim=True) if centred else u) * g
        return z @ projection.detach().float().cpu() if isinstance(projection, Tensor) else z

    return read, len(g)

"""TaI-DPT: prompts for images learned from captions alone, which may name several classes.

Two contexts: class texts g_c for the whole, l_c for the parts. A caption stands in for an image,
its text feature z for the pooled one and its words w_i for the positions, pads left out:
    global_c = s z·g_c,    local_c = Σ_i softmax_i(k w_i·l_c) s w_i·l_c,    s 4, k 50
    loss = mean over captions of Σ over p named, n not named of
           max(0, 1 - global_p + global_n) + max(0, 1 - local_p + local_n)
At test z and w_i are the image's (k 40), and the score is (global_c + local_c) / 2. SGD, momentum
0.9, weight decay 5e-4, lr 1e-4, 20 epochs of batches of 512.
Reference: "Texts as Images in Prompt Tuning for Multi-Label Image Recognition", Guo et al. 2023,
arXiv 2211.12739, section 3; constants as released (guozix/TaI-DPT).
Differs: any text tower, and any image tower whose positions lie in the space of texts. The lr falls
at every step and without an epoch of warm-up; the last, smaller batch is used. An image's z is the
tower's own; the released code leaves position embeddings out of the ResNet's attention pool there.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor

from domainclip.adapters._captions import CaptionFeatures, named_classes
from domainclip.adapters._prompting import Context, PromptAdapter, Prompts
from domainclip.adapters._protocol import Schedule
from domainclip.backbones import Backbone
from domainclip.backbones._streaming import image_batches, inference
from domainclip.backbones.dense import check_dense, dense_image
from domainclip.errors import BadInput, UsageError

__all__ = ["TaIDPT"]

IMAGES = 64  # images at once


@dataclass
class TaIDPT(PromptAdapter):
    """n_ctx: vectors of each context, started at N(0, 0.02²). init: words to start from instead.
    class_specific: contexts of its own for every class. synonyms: class name -> other words by
    which a caption names it. scale: s. scale_text, scale_image: k. seed: of the random start.

    ``fit_captions`` trains, ``image_logits`` answers. ``class_text`` and ``clip.classifier`` give
    the g_c, so evaluators that read pooled features see the global branch alone. With few classes
    or few captions the published lr moves little: 0.01 and more is then in place.
    """

    learns_from: ClassVar[str] = "captions"
    schedule: ClassVar[Schedule] = Schedule("sgd", 1e-4, 5e-4, 20, 512)
    n_ctx: Annotated[int, ">= 1"] = 16
    init: str = ""
    class_specific: bool = False
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scale: Annotated[float, "> 0"] = 4.0
    scale_text: Annotated[float, "> 0"] = 50.0
    scale_image: Annotated[float, "> 0"] = 40.0
    seed: int = 0
    losses: list[float] = field(default_factory=list, init=False, repr=False, compare=False)

    def fit_captions(
        self, captions: Sequence[str], targets: Tensor | None, schedule: Schedule, seed: int
    ) -> None:
        """Train on captions; the mean loss of each epoch is kept in ``losses``.

        targets: (n, c) bool, which classes each caption names; None looks for their names in it. A
        caption of no class teaches nothing: it is left out, and a warning counts them. Raises
        BadInput where none is left.
        """
        names, backbone = self._names(), self._backbone
        assert backbone is not None
        if len(names) < 2:
            raise BadInput("tai_dpt ranks classes against each other, so it needs at least two.")
        if targets is None:
            targets = named_classes(captions, names, self.synonyms)
        if targets.shape != (len(captions), len(names)):
            raise BadInput(
                f"targets are {tuple(targets.shape)}: give one row each of {len(captions)} captions"
                f" and one column each of {len(names)} classes."
            )
        kept = _kept(targets.bool().cpu())
        targets = targets.bool().cpu()[kept]
        self.eval()
        backbone.model.eval()
        features = CaptionFeatures(backbone, [captions[row] for row in kept.tolist()])
        optimizer = schedule.optimizer_of(list(self.parameters()))
        steps = schedule.epochs * -(-len(kept) // schedule.batch_size)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        generator = torch.Generator().manual_seed(seed)
        self.losses = []
        with torch.enable_grad():
            for _ in range(schedule.epochs):
                total = 0.0
                order = torch.randperm(len(kept), generator=generator)
                for rows in torch.split(order, schedule.batch_size):
                    loss = self.caption_loss(*features.batch(rows), targets[rows])
                    optimizer.zero_grad()
                    loss.backward()  # type: ignore[no-untyped-call]
                    optimizer.step()
                    falling.step()
                    total += float(loss.detach()) * len(rows)
                self.losses.append(total / len(kept))

    def caption_loss(self, text: Tensor, words: Tensor, real: Tensor, targets: Tensor) -> Tensor:
        """The scalar that is minimised. text (b, d) and all their words in turn (m, d) of unit
        length; real (b, t), with m trues where a text has a word; targets (b, c) bool."""
        whole, parts = self._branches(text, words, real, self.scale_text)
        return _ranking(whole, targets) + _ranking(parts, targets)

    def image_logits(self, images: Any) -> Tensor:
        """Images, as ``Backbone.encode_image`` takes them -> scores (n, c) float32 on the CPU.

        They rank classes and images; several classes may be there, so each has its own threshold.
        """
        backbone = self._backbone
        found = [torch.zeros(0, len(self._names()))]
        assert backbone is not None
        with inference(backbone.model, backbone.autocast):
            texts = self._texts()
            for batch in image_batches(images, backbone.preprocess, IMAGES):
                image, tokens = dense_image(backbone, batch)
                real = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
                both = self._branches(image, tokens.flatten(0, 1), real, self.scale_image, texts)
                found.append(((both[0] + both[1]) / 2).float().cpu())
        # joined outside: an inference tensor could not be trained on
        return torch.cat(found)

    def _branches(
        self, z: Tensor, w: Tensor, real: Tensor, k: float,
        texts: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """(global, local) logits (b, c) of features z (b, d) and their parts w (m, d)."""
        whole, parts = texts or self._texts()
        with torch.autocast(z.device.type, enabled=False):  # k is too large for half precision
            own = w @ parts.T  # (m, c)
            cosines = own.new_zeros(*real.shape, own.shape[1]).masked_scatter(real[..., None], own)
            weights = (k * cosines).masked_fill(~real[..., None], -torch.inf).softmax(1)
            return self.scale * z @ whole.T, (weights * self.scale * cosines).sum(1)

    def _texts(self) -> tuple[Tensor, Tensor]:
        """g and l, (c, d) each."""
        prompts = self._in()
        assert isinstance(prompts, _Contexts)
        names = self._names()
        return prompts(names), prompts.local(names)

    def _names(self) -> tuple[str, ...]:
        self._in()
        if not self._classnames:
            raise UsageError(
                "tai_dpt must know the classes; call for_classes(classnames, templates) before it "
                "is injected."
            )
        return self._classnames

    def _build(self, backbone: Backbone) -> Prompts:
        check_dense(backbone, self._name)
        if self.class_specific and not self._classnames:
            raise UsageError(
                "tai_dpt with class_specific has contexts a class; call "
                "for_classes(classnames, templates) before it is injected."
            )
        return _Contexts(backbone, self, self._classnames if self.class_specific else ())


class _Contexts(Prompts):
    """The two contexts; called, the class texts of the global one."""

    def __init__(self, backbone: Backbone, options: TaIDPT, own: Sequence[str]) -> None:
        super().__init__(backbone)
        self.whole, self.local = (
            Context(backbone, options.init, options.n_ctx, seed, own=own)
            for seed in (2 * options.seed, 2 * options.seed + 1)
        )

    def forward(self, names: Sequence[str], image: Tensor | None = None) -> Tensor:
        texts: Tensor = self.whole(names)
        return texts


def _ranking(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over rows of Σ over targets p and others n of max(0, 1 - y_p + y_n); (b, c) each.

    One row for each (caption, p), not c² for each caption.
    """
    row, p = targets.nonzero(as_tuple=True)
    others = (~targets[row]).to(logits)
    row, p = row.to(logits.device), p.to(logits.device)
    margins = (1 - logits[row, p][:, None] + logits[row]).clamp(min=0)
    return (margins * others).sum() / len(logits)


def _kept(targets: Tensor) -> Tensor:
    """Rows that name a class. Raises BadInput where there are none."""
    kept = targets.any(1).nonzero()[:, 0]
    if not len(kept):
        raise BadInput(
            f"none of the {len(targets)} captions names a class; give labels, or the words by "
            "which the captions call the classes (synonyms)."
        )
    if len(kept) < len(targets):
        warnings.warn(
            f"{len(targets) - len(kept)} of {len(targets)} captions name no class and were left "
            "out.",
            stacklevel=3,
        )
    return kept

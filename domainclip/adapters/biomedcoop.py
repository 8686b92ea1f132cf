"""BiomedCoOp: CoOp's learned context, taught by sentences about the classes.

loss = CE + λ1 mean (t_c(v) - b_c)² + λ2 mean_{i,c} q_ic (log q_ic - log p_ic): t_c(v) the class
texts of the learned context, b_c the unit mean of class c's sentences (SCCM); p the softmax of the
learned logits, q that of the logits by the unit mean of the sentences that are kept (KDSP). Of
sentence number n of every class the score is s_n = mean_i max_c s cos(x_i, b_cn); those with
|s_n - mean s| ≤ τ std s are kept, anew for each batch.
Reference: BiomedCoOp, Koleilat et al. 2024, arXiv 2411.15232, section 3; four vectors that start at
"a photo of a", lr 0.0025 and batches of 4, as released.
Differs: the released code first divides the scores' distance from their median by their median
deviation, which the standardisation after it cancels. Where classes have unequally many sentences,
each gives as many as the shortest has. 50 epochs and not 100, without a warm-up; a BERT tower's
dropout is off; the image is encoded once and not twice.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.adapters._bank import BankAdapter, encode_sentences
from domainclip.adapters._prompting import Context, Prompts
from domainclip.adapters._protocol import Schedule
from domainclip.backbones import Backbone
from domainclip.errors import UsageError

__all__ = ["BiomedCoOp"]

_log = logging.getLogger(__name__)


@dataclass
class BiomedCoOp(BankAdapter):
    """bank: a text bank's path (see ``domainclip bank``). sccm, kdsp: λ1 and λ2; the authors choose
    0.25 to 5 and 0.25 to 20 by data set. tau: standard deviations from the mean score up to which a
    sentence is kept. init: words to start from; empty for ``n_ctx`` random vectors of ``seed``.
    texts: the sentences themselves, in place of a bank."""

    schedule: ClassVar[Schedule] = Schedule("sgd", 2.5e-3, 5e-4, 50, 4)
    bank: str = ""
    sccm: Annotated[float, ">= 0"] = 1.0
    kdsp: Annotated[float, ">= 0"] = 1.0
    tau: float = 1.5
    init: str = "a photo of a"
    n_ctx: Annotated[int, ">= 1"] = 4
    seed: int = 0
    _sentences: Tensor | None = field(default=None, init=False, repr=False, compare=False)

    def penalty(self, image: Tensor, labels: Tensor, text: Tensor) -> Tensor:
        """The scalar that training adds to the loss. image: (b, d) of unit length; text: the
        learned class texts (c, d)."""
        backbone, bank = self._backbone, self._sentences
        if backbone is None or bank is None:
            raise UsageError("this biomedcoop is in no backbone; call inject(backbone) first.")
        if bank.device != text.device or bank.dtype != text.dtype:
            bank = self._sentences = bank.to(text)  # (c, n, d)
        with torch.no_grad():
            taught = functional.normalize(bank.mean(1), dim=-1)  # (c, d)
            kept = kept_sentences(backbone.logit_scale, image, bank, self.tau)
            selected = (bank * kept[:, None]).sum(1) / kept.sum()
            teacher = backbone.cosines(image, functional.normalize(selected, dim=-1))  # (b, c)
        student = backbone.cosines(image, text)
        kdsp = functional.kl_div(
            student.log_softmax(1), teacher.log_softmax(1), reduction="sum", log_target=True
        ) / student.numel()  # fmt: skip
        return self.sccm * functional.mse_loss(text, taught) + self.kdsp * kdsp

    def eject(self) -> None:
        super().eject()
        self._sentences = None

    def _build(self, backbone: Backbone) -> Prompts:
        if self.tau < 1:
            raise UsageError(f"biomedcoop: tau is {self.tau}; below 1 it may keep no sentence.")
        if not self._classnames:
            raise UsageError(
                "biomedcoop is taught by sentences about its classes; call "
                "for_classes(classnames, templates) before it is injected."
            )
        prompts = Context(backbone, self.init, self.n_ctx, self.seed)
        sentences = self.sentences(self._classnames)
        fewest = min(map(len, sentences))
        if fewest < max(map(len, sentences)):
            _log.warning(
                "biomedcoop: the classes have %d to %d sentences; the first %d of each are used.",
                fewest, max(map(len, sentences)), fewest,
            )  # fmt: skip
        features = encode_sentences(backbone, [s[:fewest] for s in sentences], unit=True)
        self._sentences = torch.stack(features)  # (c, n, d)
        return prompts


def kept_sentences(scale: Tensor, image: Tensor, bank: Tensor, tau: float) -> Tensor:
    """1 for a sentence number that is kept, else 0: (n,), of bank (c, n, d) and image (b, d)."""
    cosines = torch.einsum("bd,cnd->bcn", image.to(bank), bank)
    scores = scale * cosines.amax(1).mean(0)  # (n,)
    distance = (scores - scores.mean()).abs()
    # equal scores, or one alone, have no deviation, and nothing is then left out
    deviation = (distance.square().sum() / max(len(scores) - 1, 1)).sqrt()
    return (distance <= tau * deviation).to(bank)

"""SHIP: classes without an image learn from features that a generator makes of their names.

A variational autoencoder learns from the images that there are, its decoder being the frozen text
tower on prompts [p_1 + G(z) ... p_m + G(z)] name_c . (see ``_feature_vae``); with z ~ N(0, I) it
then gives features of the other classes, and CoOp's context v (m, w) is trained on both kinds.
Reference: SHIP, Wang et al. 2023, arXiv 2307.07397, section 3, with the released code's widths
2048 and 4096, four vectors each, beta = 1, 50 epochs of AdamW at 1e-3; the context starts at
"a photo of a".
Differs: z and G(z) are as wide as the backbone's features and token embeddings, both 512 there.
Features are drawn once, as many of a class as there are of one with images, and every class weighs
the same in the loss; there, as many new as real ones are drawn at every step. The context is
trained with momentum and weight decay, as ``coop``. The best epoch is not chosen on test images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from domainclip.adapters._feature_vae import FeatureVAE, fit_vae
from domainclip.adapters._prompting import Context, PromptAdapter, Prompts
from domainclip.adapters._protocol import Schedule
from domainclip.backbones import Backbone
from domainclip.backbones.soft_prompts import prompts_around
from domainclip.errors import UsageError

__all__ = ["SHIP"]


@dataclass
class SHIP(PromptAdapter):
    """Give ``few_shot`` all class names, and images of some of them. With images of all, no
    generator is trained: it is CoOp on classes that weigh alike. So it is in a recipe.

    init, n_ctx, seed: of the context, as in ``kgcoop``. per_class: features made of a class without
    images; None takes the mean number that the others have, views counted. encoder_width,
    generator_width: hidden units. generator_ctx: vectors of the generator's prompt.
    generator_epochs: passes over the features.

    ``state`` is the context alone. It answers for any class name later; the generator, a thousand
    times as large, is needed by training alone and is dropped after it.
    """

    init: str = "a photo of a"
    n_ctx: Annotated[int, ">= 1"] = 4
    per_class: Annotated[int, ">= 1"] | None = None
    encoder_width: Annotated[int, ">= 1"] = 2048
    generator_width: Annotated[int, ">= 1"] = 4096
    generator_ctx: Annotated[int, ">= 1"] = 4
    generator_epochs: Annotated[int, ">= 1"] = 50
    seed: int = 0

    schedule: ClassVar[Schedule] = Schedule(
        "sgd", 2e-3, 5e-4, 50, objective_options={"weight": "balanced"}
    )

    def synthesize(
        self, features: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Features (k, d) and labels (k,) of the classes that ``labels`` (n,) lacks; both empty
        where it lacks none. features: (n, d) of unit length, of the frozen image tower."""
        backbone = self._backbone
        if backbone is None or not self._classnames:
            raise UsageError(
                "ship makes features of class names; call for_classes(classnames, templates) and "
                "inject(backbone) first."
            )
        counts = torch.bincount(labels.cpu(), minlength=len(self._classnames))
        absent = (counts == 0).nonzero()[:, 0]
        if not len(absent):
            return features[:0], labels[:0]
        vae = FeatureVAE(
            backbone, self._classnames, n_ctx=self.generator_ctx,
            hidden=(self.encoder_width, self.generator_width), generator=generator,
        )  # fmt: skip
        fit_vae(vae, features, labels, epochs=self.generator_epochs, generator=generator)
        each = self.per_class or max(1, round(float(counts[counts > 0].float().mean())))
        made = absent.repeat_interleave(each)
        return vae.sample(made, generator).to(features), made.to(labels)

    def train(self) -> None:
        """The learned module in training mode. Raises UsageError where image features change."""
        backbone = self._backbone
        moving = backbone is not None and any(
            parameter.requires_grad for parameter in backbone.model.visual.parameters()
        )
        if moving:
            raise UsageError(
                "ship makes features of a frozen image tower, and another adapter trains this one; "
                "eject it, or merge it first and inject ship afterwards."
            )
        super().train()

    def _build(self, backbone: Backbone) -> Prompts:
        sizes = {
            "per_class": self.per_class, "encoder_width": self.encoder_width,
            "generator_width": self.generator_width, "generator_epochs": self.generator_epochs,
        }  # fmt: skip
        for name, value in sizes.items():
            if value is not None and value < 1:
                raise UsageError(f"ship: {name} is {value}, and must be 1 or more.")
        prompts_around(backbone, ["class"], self.generator_ctx)  # says so where there is no room
        return Context(backbone, self.init, self.n_ctx, self.seed)

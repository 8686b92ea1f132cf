"""A variational autoencoder of image features whose decoder is the frozen text tower.

x (n, d) of unit length, of class c -> mean and log variance (n, d) through h_e units and a ReLU;
z = mean + e^(log variance / 2) noise (n, d) -> G(z) (n, w) through h_g units and a ReLU; f = text
tower([p_1 + G(z) ... p_m + G(z)] name_c .) of unit length. loss = mean_n |f - x|² + mean_n
KL(N(mean, variance) | N(0, I)), both summed over the width.
Reference: SHIP, Wang et al. 2023, arXiv 2307.07397, section 3; sums, means and first
weights as in the released code.
Differs: the prompts of a batch are cut to its longest; every width is the backbone's (there 512).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from domainclip.adapters._prompting import first_vectors
from domainclip.backbones import Backbone
from domainclip.backbones.soft_prompts import SoftPrompts, encode_prompts, prompts_around

__all__ = ["FeatureVAE", "fit_vae", "vae_loss"]

SPREAD = 0.02  # standard deviation of the first weights, as in the released code
ENCODED_TOGETHER = 256  # prompts of which no gradient is kept


class FeatureVAE(nn.Module):
    """Encoder, generator and prompt vectors for the images of named classes.

    hidden: widths h_e and h_g. n_ctx: m. generator: of the random start. Computes in float32 (or
    wider, as the backbone) on the backbone's device.
    """

    def __init__(
        self, backbone: Backbone, classnames: Sequence[str], *, n_ctx: int,
        hidden: tuple[int, int], generator: torch.Generator,
    ) -> None:  # fmt: skip
        super().__init__()
        # no submodule: its weights are not the autoencoder's
        self.__dict__["backbone"] = backbone
        self.__dict__["tokens"] = prompts_around(backbone, classnames, n_ctx)
        width = backbone.embed_dim
        start = first_vectors(backbone, "", n_ctx, generator)
        start = start.to(torch.promote_types(start.dtype, torch.float32))
        self.context = nn.Parameter(start)
        self.encoder = nn.Sequential(nn.Linear(width, hidden[0]), nn.ReLU())
        self.mean = nn.Linear(hidden[0], width)
        self.log_var = nn.Linear(hidden[0], width)
        self.generator = nn.Sequential(
            nn.Linear(width, hidden[1]), nn.ReLU(), nn.Linear(hidden[1], start.shape[1])
        )
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=SPREAD, generator=generator)
                nn.init.zeros_(layer.bias)
        self.to(backbone.device, start.dtype)

    def encode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, d) -> mean and log variance (n, d) of what they came from."""
        hidden = self.encoder(features)
        return self.mean(hidden), self.log_var(hidden)

    def decode(self, z: Tensor, labels: Tensor) -> Tensor:
        """z (n, d) and classes (n,) -> features (n, d) of unit length, one prompt each."""
        tokens: SoftPrompts = self.__dict__["tokens"]
        rows = labels.to(tokens.ids.device)
        vectors = self.context + self.generator(z)[:, None]  # (n, m, w)
        backbone: Backbone = self.__dict__["backbone"]
        return encode_prompts(backbone, SoftPrompts(tokens.ids[rows], tokens.at[rows]), vectors)

    def loss(self, features: Tensor, labels: Tensor, noise: Tensor) -> Tensor:
        """The scalar that training lowers; noise (n, d) is standard normal."""
        mean, log_var = self.encode(features)
        z = torch.exp(0.5 * log_var) * noise + mean
        return vae_loss(self.decode(z, labels), features, mean, log_var)

    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """New features (n, d) of those classes (n,), without gradient."""
        with torch.no_grad():
            found = [
                self.decode(
                    _noise(len(rows), self.mean.out_features, self.context, generator), rows
                )
                for rows in torch.split(labels, ENCODED_TOGETHER)
            ]
        return torch.cat(found)


def vae_loss(found: Tensor, features: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Squared distance plus divergence, each summed over the width and averaged over rows."""
    distance = (found - features).pow(2).sum(1).mean()
    divergence = -0.5 * (1 + log_var - mean.pow(2) - log_var.exp()).sum(1).mean()
    return distance + divergence


def fit_vae(
    vae: FeatureVAE, features: Tensor, labels: Tensor, *, epochs: int,
    generator: torch.Generator, lr: float = 1e-3, batch_size: int = 256,
) -> None:  # fmt: skip
    """Train on features (n, d) with classes (n,), by AdamW with torch's own weight decay."""
    features, labels = features.to(vae.context), labels.cpu()
    optimizer = torch.optim.AdamW(vae.parameters(), lr=lr)
    with torch.enable_grad():
        for _ in range(epochs):
            for rows in torch.split(torch.randperm(len(labels), generator=generator), batch_size):
                batch = features[rows.to(features.device)]
                noise = _noise(len(rows), batch.shape[1], batch, generator)
                loss = vae.loss(batch, labels[rows], noise)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()


def _noise(count: int, width: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal (n, width), the same on every device."""
    return torch.randn(count, width, generator=generator).to(like)

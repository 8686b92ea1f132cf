"""How good the embedded backbone is, beside variants of its alignment that need no image either.

    python benchmarks/embedded_quality.py --rsscn7 FOLDER --chest FOLDER [--seeds 3]

FOLDER holds one folder of images a class (RSSCN7's aGrass ... gParking; Covid-19, No_findings,
Pneumonia). Zero-shot over all images, then logistic regression on 16 images a class, scored on the
others, mean over the seeds. The variants: other ridges, no centring, the projection on the image
side instead (384 wide), and ConSE (Norouzi et al. 2014), the mean of the ImageNet names by their
probabilities.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from torch import Tensor
from torch.nn import functional

import domainclip as dc
from domainclip.backbones.embedded import TEMPLATE, classifier_rows
from domainclip.data.few_shot import draw_shots
from domainclip.heads.linear_probe import LinearProbe

SETS = {
    "rsscn7": (
        "an aerial photo of {}.",
        ["grass", "a field", "industry", "a river or lake", "forest", "a residential area",
         "a parking lot"],
    ),
    "chest": ("a chest x-ray of {}.", ["covid-19", "a healthy person", "pneumonia"]),
}  # fmt: skip
SUFFIXES = {".jpg", ".jpeg", ".png", ".tif"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in SETS:
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    clip = dc.load_backbone("embedded")
    weight, bias = classifier_rows()  # (1000, 1280), (1000,)
    shipped = clip.model.text.proj.weight.detach()  # (1280, 384)
    names = before_projection(clip, [TEMPLATE.replace("{}", name) for name in IMAGENET_CLASSNAMES])
    print(f"{'data':<8}{'images':>7}  {'alignment':<24}{'zero-shot':>10}{'16 shots':>10}")
    for name, (template, words) in SETS.items():
        folder = getattr(arguments, name)
        if folder is None:
            continue
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        classes = sorted({path.parent.name for path in files})
        labels = torch.tensor([classes.index(path.parent.name) for path in files])
        f = clip.encode_image(files)  # (n, 1280)
        t = before_projection(clip, [template.replace("{}", word) for word in words])  # (c, 384)
        found = {"shipped": (f, t @ shipped.T)}
        for centred in (True, False):
            for ridge in (0.1, 1.0, 10.0):
                title = f"ridge {ridge:g}{', centred' if centred else ''}"
                found[title] = f, t @ aligned(weight, names, ridge, centred).T
        found["on the image side"] = f @ shipped, t
        found["ConSE, 10 names"] = consed(clip, files, weight, bias, names), t
        for title, (z, text) in found.items():
            z, text = functional.normalize(z, dim=1), functional.normalize(text, dim=1)
            zero = float(((z @ text.T).argmax(1) == labels).float().mean())
            shots = [few_shot(z, labels, text, seed) for seed in range(1, arguments.seeds + 1)]
            print(f"{name:<8}{len(files):>7}  {title:<24}{zero:>10.3f}{np.mean(shots):>10.3f}")


def before_projection(clip: dc.backbones.Backbone, texts: list[str]) -> Tensor:
    """(n, 384) unit length: what the text tower gives before its projection."""
    found: list[Tensor] = []
    hook = clip.model.text.proj.register_forward_pre_hook(
        lambda module, inputs: found.append(inputs[0].detach().clone())
    )
    try:
        for text in texts:
            clip.encode_text([text])
    finally:
        hook.remove()
    return functional.normalize(torch.cat(found), dim=1)


def consed(
    clip: dc.backbones.Backbone, files: list[Path], weight: Tensor, bias: Tensor, names: Tensor
) -> Tensor:
    """(n, 384) the ten most probable ImageNet names of an image, by their probabilities."""
    found: list[Tensor] = []
    hook = clip.model.visual.register_forward_hook(
        lambda module, inputs, output: found.append(output.detach().clone())
    )
    try:
        clip.encode_image(files)
    finally:
        hook.remove()
    chance = (torch.cat(found) @ weight.T + bias).softmax(1)  # (n, 1000)
    top = chance.topk(10, dim=1)
    return torch.zeros_like(chance).scatter(1, top.indices, top.values) @ names


def aligned(weight: Tensor, names: Tensor, ridge: float, centred: bool) -> Tensor:
    """P (1280, 384) by ridge regression from unit classifier rows to names."""
    a = functional.normalize(weight - weight.mean(0) * centred, dim=1)
    b = functional.normalize(names - names.mean(0) * centred, dim=1)
    return torch.linalg.solve(a.T @ a + ridge * torch.eye(a.shape[1]), a.T @ b)


def few_shot(z: Tensor, labels: Tensor, text: Tensor, seed: int) -> float:
    """Accuracy of logistic regression on 16 images a class, on all the others."""
    train = list(draw_shots(labels.tolist(), (), shots=16, seed=seed).train)
    rest = torch.ones(len(labels), dtype=torch.bool)
    rest[train] = False
    head = LinearProbe().fit(z[train], labels[train], text)
    return float((head.logits(z[rest]).argmax(1) == labels[rest]).float().mean())


if __name__ == "__main__":
    main()

"""What a classifier of CT and MR images learns from captions alone, beside zero-shot.

    python benchmarks/captions_alone.py MEDPIX [--backbone embedded] [--pretrained NAME]
        [--seeds 3] [--epochs 20] [--lr 0.01]

MEDPIX is the folder of MedPix 2.0 (Descriptions.json, images/). Tested on the images that are
there; trained on the captions of cases of which no image is there. Tasks: the modality, and the
part of the body (head, chest, abdomen, spine), each found in the captions by words. Mean average
precision over classes, and accuracy over the test images of the classes.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score
from torch import Tensor, tensor

import domainclip as dc

MODALITY = {
    "CT": ("computed tomography", "CAT scan", "NECT", "CECT"),
    "MRI": ("MR", "magnetic resonance", "T1", "T2", "FLAIR", "DWI"),
}
BODY = {
    "head": ("brain", "skull", "cerebral", "intracranial", "ventricle", "cerebellar", "orbit"),
    "chest": ("thorax", "lung", "pulmonary", "pleural", "mediastinal", "heart", "aortic"),
    "abdomen": ("abdominal", "liver", "bowel", "pancreas", "spleen", "colon", "hepatic"),
    "spine": ("vertebral", "lumbar", "cervical", "thoracic spine", "spinal", "disc"),
}
# task -> class -> its words; template; field of the description; its values by class
TASKS: dict[str, tuple[dict[str, tuple[str, ...]], str, str, dict[str, str]]] = {
    "modality": (MODALITY, "a {} image.", "Type", {"CT": "CT", "MR": "MRI"}),
    "body part": (
        BODY, "a CT or MRI image of the {}.", "Location Category",
        {"Head": "head", "Thorax": "chest", "Abdomen": "abdomen", "Spine and Muscles": "spine"},
    ),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("medpix", type=Path)
    parser.add_argument("--backbone", default="embedded")
    parser.add_argument("--pretrained")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--lr", type=float, default=0.01)
    given = parser.parse_args()
    rows = json.loads((given.medpix / "Descriptions.json").read_text("utf-8"))
    clip = dc.load_backbone(given.backbone, given.pretrained)
    warnings.simplefilter("ignore")  # of captions that name no class; counted below
    for task, (words, template, column, known) in TASKS.items():
        pictures, labels, captions = _split(given.medpix / "images", rows, column, known)
        truth = tensor([list(words).index(label) for label in labels])
        print(f"{task}: {len(captions)} captions, {len(pictures)} images", flush=True)
        features = clip.encode_image(pictures)
        names = list(words)
        _say("zero-shot", [_scores(clip.classify(features, names, [template]), truth)])
        whole, both, start = [], [], time.perf_counter()
        for seed in range(1, given.seeds + 1):
            found = dc.few_shot(
                clip, captions, None, names, method="tai_dpt", seed=seed, epochs=given.epochs,
                lr=given.lr, options={"synonyms": words},
            )  # fmt: skip
            whole.append(_scores(clip.classify(features, names), truth))
            both.append(_scores(found.logits(pictures), truth))
            found.component.eject()
        _say("tai_dpt, whole images", whole)
        _say("tai_dpt", both)
        print(f"  {(time.perf_counter() - start) / given.seeds:.0f} s a seed")


def _split(
    folder: Path, rows: list[dict[str, Any]], column: str, known: dict[str, str]
) -> tuple[list[Path], list[str], list[str]]:
    """Test images, their classes, and the different captions of cases without an image here."""
    here = {path.stem for path in folder.glob("*.png")}
    cases = {row["U_id"] for row in rows if row["image"] in here}
    test = [row for row in rows if row["image"] in here and row[column] in known]
    captions = [row["Description"]["Caption"] for row in rows if row["U_id"] not in cases]
    return (
        [folder / f"{row['image']}.png" for row in test],
        [known[row[column]] for row in test],
        list(dict.fromkeys(caption for caption in captions if caption)),
    )


def _scores(logits: Tensor, truth: Tensor) -> tuple[float, float]:
    """Mean average precision of the class probabilities, and accuracy."""
    # by the differences between classes, which a softmax keeps
    chance = logits.softmax(1)
    precisions = [
        average_precision_score((truth == c).numpy(), chance[:, c].numpy())
        for c in range(chance.shape[1])
    ]
    return float(np.mean(precisions)), float((chance.argmax(1) == truth).float().mean())


def _say(name: str, found: list[tuple[float, float]]) -> None:
    precision, accuracy = np.mean(found, axis=0)
    spread = np.std(found, axis=0)
    print(f"  {name:<22} mAP {precision:.3f} ± {spread[0]:.3f}   "
          f"accuracy {accuracy:.3f} ± {spread[1]:.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

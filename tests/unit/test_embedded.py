"""The embedded backbone: built once from two wheels, an ordinary open_clip model afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from torch.nn import functional

from domainclip.backbones import Backbone, load_backbone
from domainclip.backbones.embedded import RIDGE, TEMPLATE, VERSION, build_embedded, classifier_rows

RSSCN7 = [
    "grass",
    "a field",
    "industry",
    "a river or lake",
    "forest",
    "a residential area",
    "a parking lot",
]


@pytest.fixture(scope="module")
def clip() -> Backbone:
    return load_backbone("embedded")


def _inputs_of(module: torch.nn.Module, run: Callable[[], object]) -> torch.Tensor:
    found: list[torch.Tensor] = []
    hook = module.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0].clone()))
    run()
    hook.remove()
    return torch.cat(found)


def test_the_projection_is_the_ridge_solution(clip: Backbone) -> None:
    """Its normal equations hold: the gradient of the penalised squares is zero."""
    weight, _ = classifier_rows()
    prompts = clip.tokenize([TEMPLATE.replace("{}", name) for name in IMAGENET_CLASSNAMES])
    text = _inputs_of(clip.model.text.proj, lambda: clip.text(prompts)).detach()
    text = functional.normalize(text, dim=1)
    a = functional.normalize(weight - weight.mean(0), dim=1).double()
    b = functional.normalize(text - text.mean(0), dim=1).double()
    projection = clip.model.text.proj.weight.detach().double()  # (1280, 384)
    gradient = a.T @ (a @ projection - b) + RIDGE * projection
    assert float(gradient.norm() / (a.T @ b).norm()) < 1e-4


def test_image_features_are_the_wheels_pooled_ones(clip: Backbone) -> None:
    """Under the wheel's own classifier they name what is to be seen: an orange disc."""
    weight, bias = classifier_rows()
    pixels = torch.full((1, 3, 224, 224), 0.9)
    y, x = torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="ij")
    disc = ((y - 112) ** 2 + (x - 112) ** 2) < 80**2
    pixels[0][:, disc] = torch.tensor([1.0, 0.1, -0.9])[:, None]
    with torch.no_grad():
        features = clip.model.encode_image(pixels)
    named = [IMAGENET_CLASSNAMES[i] for i in (features @ weight.T + bias)[0].topk(20).indices]
    assert any(word in " ".join(named).lower() for word in ("orange", "lemon", "ping-pong ball"))


def test_open_clip_loads_the_folder(clip: Backbone) -> None:
    model = open_clip.create_model(f"local-dir:{build_embedded()}").eval()
    x = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        theirs = model.encode_image(x, normalize=True)
    torch.testing.assert_close(theirs, clip.encode_image(x), rtol=0, atol=1e-5)


def test_texts_are_near_what_they_mean(clip: Backbone) -> None:
    z = clip.encode_text(["a dog", "a puppy", "a nuclear reactor"])
    assert float(z[0] @ z[1]) > float(z[0] @ z[2]) + 0.2


def test_zero_shot_on_aerial_photos_is_well_above_chance(clip: Backbone, shared_data: Path) -> None:
    files = sorted((shared_data / "tiles" / "rsscn7").glob("*/*.jpg"))
    classes = sorted({path.parent.name for path in files})
    labels = torch.tensor([classes.index(path.parent.name) for path in files])
    logits = clip.encode_image(files) @ clip.classifier(RSSCN7, ["an aerial photo of {}."]).T
    right = float((logits.argmax(1) == labels).float().mean())
    assert len(files) == 210
    assert right > 0.25  # chance is 0.14


def test_processes_that_build_at_once_end_with_one(tmp_path: Path) -> None:
    code = "from domainclip.backbones.embedded import build_embedded; print(build_embedded())"
    environment = {"DOMAINCLIP_CACHE": str(tmp_path), "PATH": "", "OMP_NUM_THREADS": "1"}
    builders = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    folders = {builder.communicate()[0] for builder in builders}
    assert len(folders) == 1
    assert [path.name for path in tmp_path.iterdir()] == [f"embedded-{VERSION}"]

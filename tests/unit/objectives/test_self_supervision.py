"""SLIP, DeCLIP, self-distillation: losses against loops, heads over ranks, exact resumption."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from domainclip.backbones import load_backbone
from domainclip.catalogue import load
from domainclip.data import PairsDataModule
from domainclip.data.settings import AugmentSettings, DataSettings
from domainclip.objectives._heads import MLP, Prototypes, Queue
from domainclip.objectives._masked_words import WordHead
from domainclip.objectives._protocol import Alone
from domainclip.training._encoder import Encoder
from domainclip.training._extras import Extras
from domainclip.training.fit import fit
from domainclip.training.settings import TrainerSettings
from tests.data.objective_inputs import SCALE, Inputs, inputs
from tests.data.pretend_ranks import on_ranks
from tests.data.tiny_clip import write_tiny_clip
from tests.data.tiny_towers import make_backbone
from tests.data.toy_tower import striped_pairs

ZERO = torch.tensor(0.0, dtype=torch.float64)


def clip_loss(image: Tensor, text: Tensor) -> Tensor:
    """C(X, Y) by loops, without captions or groups that are alike."""
    total = ZERO
    for one, other in ((image, text), (text, image)):
        for i, row in enumerate(one):
            logits = torch.stack([SCALE * row @ z for z in other])
            total = total + (logits.logsumexp(0) - logits[i]) / (2 * len(image))
    return total


def by_torch(mlp: MLP, x: Tensor, act: nn.Module) -> Tensor:
    """What the layers and norms say, with PyTorch's own batch normalisation."""
    for number, layer in enumerate(mlp.layers):
        x = F.linear(x, layer.weight, layer.bias)  # type: ignore[arg-type]
        if number < len(mlp.norms):
            norm = mlp.norms[number]
            x = F.batch_norm(x, None, None, norm.weight, norm.bias, training=True)  # type: ignore[arg-type]
        x = act(x) if number < len(mlp.layers) - 1 else x
    return x


@pytest.mark.parametrize("same_group", ["ignore", "negative"])
def test_slip_equals_the_slow_version(same_group: str) -> None:
    made = load("objectives", "slip")(
        hidden=16, out=8, simclr=0.6, clip=0.3, same_group=same_group, same_text="negative"
    )
    given = inputs(made)
    views, parts, groups = given.extra["views"], given.extra["parts"], given.batch.groups
    assert sum(groups.count(group) > 1 for group in groups if group) == 6

    def kept(i: int, j: int) -> bool:
        alike = groups[i] and groups[i] == groups[j]
        return i == j or same_group == "negative" or not alike

    z = [F.normalize(by_torch(parts, views[:, at], nn.ReLU()), dim=-1) for at in (0, 1)]
    infonce = load("objectives", "infonce")(same_group=same_group, same_text="negative")
    total = 0.3 * inputs(infonce).call()
    for x, y in ((z[0], z[1]), (z[1], z[0])):
        for i in range(9):
            against = [x[i] @ y[j] / 0.1 for j in range(9) if kept(i, j)]
            against += [x[i] @ x[j] / 0.1 for j in range(9) if j != i and kept(i, j)]
            right = x[i] @ y[i] / 0.1
            total = total + 0.6 * (torch.stack(against).logsumexp(0) - right) / (2 * 9)
    torch.testing.assert_close(given.call(), total, rtol=1e-6, atol=1e-6)


def masked_loss(z: Tensor, targets: Tensor, words: nn.Embedding, head: WordHead) -> Tensor:
    """M by loops."""
    losses = []
    for i, row in enumerate(targets.tolist()):
        for k, word in enumerate(row):
            if word < 0:
                continue
            h = F.gelu(head.layer.weight @ z[i, k] + head.layer.bias)
            h = (h - h.mean()) / (h.var(correction=0) + head.norm.eps).sqrt()
            h = h * head.norm.weight + head.norm.bias
            scores = torch.stack([e @ h for e in words.weight]) + head.bias
            losses.append(scores.logsumexp(0) - scores[word])
    assert len(losses) > 5
    return torch.stack(losses).mean()


@pytest.mark.parametrize("filled", [0, 5, 23])
def test_declip_equals_the_slow_version(filled: int) -> None:
    objective = load("objectives", "declip")(
        clip=0.4, nearest=0.3, simsiam=0.2, mlm=0.1, queue=16, hidden=8,
        same_text="negative", same_group="negative",
    )  # fmt: skip
    given = inputs(objective)
    parts, last = given.extra["parts"], torch.randn(filled, 6, dtype=torch.float64)
    parts["queue"].wait(last)
    parts["queue"].after_step()
    images = given.image, given.extra["views"][:, 0]
    texts = given.text, given.extra["second"]
    total = sum(0.4 * clip_loss(one, other) / 4 for one in images for other in texts)
    for text in texts:
        near = [max(last[-16:], key=lambda z: float(z @ t)) for t in text.detach()] if filled else [
            *text.detach()
        ]  # fmt: skip
        total = total + sum(0.3 * clip_loss(one, torch.stack(near)) / 4 for one in images)
    z = [by_torch(parts["projector"], each, nn.ReLU()) for each in images]
    p = [by_torch(parts["predictor"], each, nn.ReLU()) for each in z]
    for a in (0, 1):
        for i in range(9):
            total = total - 0.2 * F.cosine_similarity(p[a][i], z[1 - a][i], dim=0) / (2 * 9)
    total = total + 0.1 * masked_loss(*given.extra["masked"], parts["words"])
    torch.testing.assert_close(given.call(), total, rtol=1e-6, atol=1e-6)


def test_simsiam_has_no_gradient_to_what_is_predicted() -> None:
    options = {"clip": 0.0, "nearest": 0.0, "mlm": 0.0, "queue": 4, "hidden": 8}
    given = inputs(load("objectives", "declip")(**options))
    parts = given.extra["parts"]
    loss = given.call()
    images = given.image, given.extra["views"][:, 0]
    z = [by_torch(parts["projector"], each, nn.ReLU()) for each in images]
    p = [by_torch(parts["predictor"], each, nn.ReLU()) for each in z]
    slow = -sum(F.cosine_similarity(p[a], z[1 - a].detach(), dim=-1).mean() for a in (0, 1)) / 2
    found = torch.autograd.grad(loss, given.image)[0]
    expected = torch.autograd.grad(0.2 * slow, given.image)[0]
    torch.testing.assert_close(found, expected)


def test_self_distillation_equals_the_slow_version() -> None:
    objective = load("objectives", "self_distillation")(
        views=3, prototypes=10, hidden=8, bottleneck=4, distill=0.7, clip=0.2, centre=0.8,
        momentum=0.9,
    )  # fmt: skip
    given = inputs(objective)
    parts = given.extra["parts"]

    def scores(head: Prototypes, x: Tensor) -> Tensor:
        z = F.normalize(by_torch(head.mlp, x, nn.GELU()), dim=-1)
        return torch.stack([z @ F.normalize(w, dim=0) for w in head.prototypes], -1)

    centre = torch.zeros(10, dtype=torch.float64)
    average = [p.clone() for p in parts.average.parameters()]
    for _ in range(3):
        old = scores(parts.average, given.extra["momentum"][0])
        total = 0.2 * inputs(load("objectives", "infonce")()).call()
        for i in range(9):
            p = ((old[i] - centre) / 0.04).softmax(0)
            for v in range(3):
                q = (scores(parts.head, given.extra["views"][i, v]) / 0.1).softmax(0)
                total = total - 0.7 * (p * q.log()).sum() / (9 * 3)
        torch.testing.assert_close(given.call(), total, rtol=1e-6, atol=1e-6)
        parts.after_step()
        centre = 0.8 * centre + 0.2 * old.mean(0)
        torch.testing.assert_close(parts.mean, centre)
        for mean, p, new in zip(
            average, parts.average.parameters(), parts.head.parameters(), strict=True
        ):
            mean.mul_(0.9).add_(0.1 * new.detach())
            torch.testing.assert_close(p, mean)
        with torch.no_grad():
            for weight in parts.head.parameters():
                weight.add_(torch.randn_like(weight))


@pytest.mark.parametrize("name", ["slip", "declip", "self_distillation"])
def test_parts_have_the_joint_gradients_over_ranks(name: str) -> None:
    small = {"declip": {"queue": 8}, "self_distillation": {"prototypes": 8}, "slip": {"out": 4}}
    objective = load("objectives", name)(hidden=8, **small[name])
    joint, dealt = inputs(objective), inputs(objective)
    joint.call().backward()
    torch.stack(on_ranks(dealt.call, [0, 5, 9])).mean().backward()
    pairs = zip(_gradients(joint), _gradients(dealt), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


def _gradients(given: Inputs) -> list[Tensor]:
    return [p.grad for p in given.extra["parts"].parameters() if p.grad is not None]


def test_a_queue_keeps_the_last_rows_and_changes_after_a_step_only() -> None:
    queue, rows = Queue(5, 2), torch.arange(24.0).reshape(12, 2)
    for first, last in ((0, 3), (3, 4), (4, 12)):
        before = queue.rows.clone()
        queue.wait(rows[first:last])
        assert torch.equal(queue.rows, before)
        queue.after_step()
        kept = {tuple(row) for row in queue.rows[: queue.filled].tolist()}
        assert kept == {tuple(row) for row in rows[max(0, last - 5) : last].tolist()}
    assert torch.equal(queue.nearest(torch.tensor([[1.0, 0.0]])), rows[11:])


def test_what_waits_is_kept_by_a_checkpoint() -> None:
    """In the middle of an accumulation a queue has rows that are not in yet."""
    made = [
        Extras(load("objectives", "declip")(queue=4, hidden=8),
               Encoder(make_backbone("vit"), raw=False, long=None, chunk=None, same_views=False),
               [], seed=0)
        for _ in range(2)
    ]  # fmt: skip
    rows = F.normalize(torch.randn(6, 32), dim=-1)
    made[0].parts["queue"].wait(rows[:3])  # type: ignore[index, operator, union-attr]
    made[0].after_step()
    made[0].parts["queue"].wait(rows[3:])  # type: ignore[index, operator, union-attr]
    made[1].load_state(made[0].state())
    for each in made:
        each.after_step()
    one, other = (each.parts.state_dict() for each in made)  # type: ignore[union-attr]
    assert int(other["queue.filled"]) == 4
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def test_validation_leaves_parts_alone() -> None:
    given = inputs(load("objectives", "declip")(queue=4, hidden=8))
    with torch.no_grad():
        given.call()
    assert not len(given.extra["parts"]["queue"].waiting)
    given.extra["parts"].eval()
    given.call()
    assert not len(given.extra["parts"]["queue"].waiting)


DINO = {"name": "self_distillation", "hidden": 8, "prototypes": 8}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("self_distillation", {"hidden": 8, "prototypes": 8}),
        ("weighted", {"terms": (DINO, {"name": "infonce"})}),
        ("matryoshka", {"of": DINO}),
    ],
)
def test_the_average_need_not_see_views(name: str, options: dict[str, object]) -> None:
    clip = make_backbone("vit")
    encoder = Encoder(clip, raw=False, long=None, chunk=None, same_views=False)
    objective = load("objectives", name)(**options)
    batch = SimpleNamespace(views=torch.randn(2, 2, 3, 64, 64), captions=("a", "b"))
    image, views = Extras(objective, encoder, [], seed=0).of(batch, batch.views[:, 0])["momentum"]
    torch.testing.assert_close(image, clip.image(batch.views[:, 0]).detach())
    assert views.shape == (2, 0, 32)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("self_distillation", {"hidden": 8, "prototypes": 8, "momentum": 0.9}),
        ("declip", {"queue": 20, "hidden": 8}),
        ("weighted", {"terms": ({"name": "declip", "queue": 20, "hidden": 8, "clip": 0.0},
                                {"name": "anchor"}, {"name": "infonce"})}),
    ],
)  # fmt: skip
def test_a_run_that_goes_on_ends_as_one_that_was_not_stopped(
    tmp_path: Path, name: str, options: dict[str, object]
) -> None:
    pairs = striped_pairs(tmp_path / "pairs", 30)
    folder = str(write_tiny_clip(tmp_path / "clip"))

    def run() -> tuple[int, dict[str, Tensor]]:
        clip = load_backbone(folder)
        adapter = load("adapters", "full")(towers=("image", "text"))
        adapter.inject(clip)
        objective = load("objectives", name)(**options)
        data = PairsDataModule(
            pairs, DataSettings(batch_size=8, augment=AugmentSettings(flip=True)), clip, seed=1,
            views=int(objective.views), second=True,
        )  # fmt: skip
        settings = TrainerSettings(epochs=2, lr=1e-2, checkpoint_every=2, keep="last", accumulate=2)
        result = fit(clip, adapter, objective, data, settings, out=tmp_path / "out", seed=1)
        return result.resumed, {k: v.clone() for k, v in clip.model.state_dict().items()}

    assert run()[0] == 0
    *_, last = sorted((tmp_path / "out" / "checkpoints").glob("step-*.pt"))
    whole, last_content = run()[1], torch.load(last, weights_only=True)
    last.unlink()
    resumed, again = run()
    assert resumed > 0
    for key, value in whole.items():
        assert torch.equal(value, again[key]), key
    for kind, tensors in torch.load(last, weights_only=True)["extras"].items():
        for key, value in tensors.items():
            assert torch.equal(value, last_content["extras"][kind][key]), key


def test_norms_of_one_row_are_finite() -> None:
    mlp = MLP((3, 4, 2))
    assert torch.isfinite(mlp(torch.randn(1, 3), Alone())).all()

"""``strategy: fsdp``: blocks of the towers are dealt over ranks, by PyTorch's ``fully_shard``.

Of a block with something to train, each rank keeps a part of the weights, gradients and optimiser
state, and the whole only while the block is computed. What lies outside of such blocks (embeddings,
projections, weights of the adapter's or the objective's own) is on every rank, and its gradients
are averaged, as by DDP. Afterwards the model is whole again, with the parameters it had before.
Reference: ZeRO, Rajbhandari et al. 2020, arXiv 1910.02054; FSDP, Zhao et al. 2023, arXiv
2304.11277.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from domainclip.errors import UsageError
from domainclip.objectives._protocol import wants_of
from domainclip.training.settings import TrainerSettings

__all__ = [
    "Shards",
    "average_gradients",
    "check_shards",
    "clip_gradients",
    "dealt",
    "local",
    "whole",
]

_BLOCK = re.compile(r"(?:^|.*\.)(?:resblocks|blocks|layers|layer)\.\d+$")


def check_shards(settings: TrainerSettings, objective: Any) -> None:
    """Raises UsageError for what does not go with blocks that no rank has as a whole."""
    if settings.strategy != "fsdp":
        return
    if settings.chunk is not None:
        raise UsageError(
            "trainer.chunk: ranks may have unequally many chunks, and with strategy fsdp each "
            "waits for the others' blocks; give checkpoint_blocks, or strategy ddp."
        )
    if settings.precision == "16-mixed":
        raise UsageError("trainer.precision: strategy fsdp takes bf16-mixed or 32-true.")
    for name in ("weights", "momentum"):
        if name in wants_of(objective):
            # of several terms, those that do
            asking = getattr(objective, "asking", lambda want: [objective])(name)
            who = " and ".join(type(each).__module__.rpartition(".")[2] for each in asking)
            raise UsageError(
                f"trainer.strategy: the objective {who} reads all weights, which no rank has with "
                "fsdp; give ddp."
            )


class Shards:
    """The dealt blocks of a model, and how to put them together again."""

    def __init__(self, model: nn.Module, mesh: Any) -> None:
        from torch.distributed.fsdp import fully_shard

        self._blocks: list[Any] = []
        self._kept: list[tuple[nn.Module, str, nn.Parameter]] = []
        for block in list(_trained_blocks(model)):
            self._kept += [
                (owner, name, parameter)
                for owner in block.modules()
                for name, parameter in owner.named_parameters(recurse=False)
            ]
            fully_shard(block, mesh=mesh, reshard_after_forward=True)
            self._blocks.append(block)
        if not self._blocks:
            raise UsageError(
                "trainer.strategy: fsdp deals the blocks of towers over ranks, and none is trained "
                "here; give ddp."
            )

    def gather(self) -> None:
        """Every rank has every block until ``let_go``, so that none waits for another."""
        for block in self._blocks:
            block.set_reshard_after_forward(False)
            block.unshard()

    def let_go(self) -> None:
        """Each rank keeps its part of the blocks."""
        for block in self._blocks:
            block.reshard()
            block.set_reshard_after_forward(True)

    def put_together(self) -> None:
        """The model as it was before, with the weights as they are now. Every rank must call it."""
        for owner, name, parameter in self._kept:
            with torch.no_grad():
                parameter.copy_(whole(getattr(owner, name)))
            owner._parameters[name] = parameter
        for block in self._blocks:
            state = block._get_fsdp_state()
            state._pre_forward_hook_handle.remove()
            state._post_forward_hook_handle.remove()
            block.__class__ = type(block).__bases__[1]
        self._blocks, self._kept = [], []


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Of what every rank has as a whole: the mean over ranks, where any rank has one."""
    own = [parameter for parameter in parameters if not _is_dealt(parameter)]
    if not own:
        return
    present = torch.tensor([float(p.grad is not None) for p in own], device=own[0].device)
    dist.all_reduce(present, dist.ReduceOp.MAX)
    for parameter, some in zip(own, present.tolist(), strict=True):
        if some:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


def clip_gradients(
    parameters: Sequence[nn.Parameter], limit: float | None, *, dealt: bool
) -> Tensor | None:
    """The joint norm () of all gradients, None where there is none, once they are scaled so that it
    is at most ``limit``. dealt: some are in parts over ranks. Nothing waits for the device."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return None
    if dealt:
        device = gradients[0].device
        parts = torch.zeros(2, dtype=torch.float64, device=device)  # dealt, and whole on every rank
        for gradient in gradients:
            parts[0 if _is_dealt(gradient) else 1] += local(gradient).double().square().sum()
        mine = parts[:1].clone()
        dist.all_reduce(mine)
        norm = (mine[0] + parts[1]).sqrt()
        if limit is not None:
            scale = (limit / (norm + 1e-6)).clamp(max=1.0)
            for gradient in gradients:
                local(gradient).mul_(scale)
        return norm
    if limit is not None:
        return torch.nn.utils.clip_grad_norm_(parameters, limit)
    return torch.stack([norm.float() for norm in torch._foreach_norm(gradients)]).norm()


def whole(tensor: Tensor) -> Tensor:
    """A tensor that is dealt over ranks, put together; any other as it is."""
    full = getattr(tensor, "full_tensor", None)
    return full() if full is not None else tensor


def dealt(tensor: Tensor, like: Tensor) -> Tensor:
    """A whole tensor dealt over ranks as ``like`` is."""
    if not _is_dealt(like) or tensor.shape != like.shape:
        return tensor
    from torch.distributed.tensor import distribute_tensor

    other: Any = like
    return distribute_tensor(tensor.to(like.device), other.device_mesh, other.placements)


def local(tensor: Tensor) -> Tensor:
    """This rank's part."""
    part = getattr(tensor, "to_local", None)
    return tensor if part is None else part()


def _trained_blocks(model: nn.Module) -> Iterator[nn.Module]:
    outer = ""
    for name, module in model.named_modules():
        inside = bool(outer) and name.startswith(outer + ".")
        if not inside and _BLOCK.match(name):
            outer = name
            if any(parameter.requires_grad for parameter in module.parameters()):
                yield module


def _is_dealt(tensor: Tensor) -> bool:
    return hasattr(tensor, "full_tensor")

"""One of two ranks that call every objective on uneven shares of a batch, by real collectives.

    WORLD_SIZE=2 RANK=0 ... python -m tests.data.gloo_objectives NAME,...

Prints a line of JSON for each, and each way to deal nine rows (unevenly, one row on the last rank,
none): name, cuts, the joint loss, the ranks' mean, the largest difference of their gradients
relative to the largest gradient.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
import torch.distributed as dist

from domainclip.catalogue import load
from domainclip.training._gather import RankGather
from tests.data.objective_inputs import CUTS, inputs


def main(names: list[tuple[str, dict[str, object]]]) -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    for name, options in names:
        for cuts in CUTS:
            line = _compared(load("objectives", name)(**options), slice(*cuts[rank : rank + 2]))
            print(json.dumps({"name": name, "cuts": cuts, **line}), flush=True)
    dist.destroy_process_group()


def _compared(objective: Any, rows: slice) -> dict[str, float]:
    joint, dealt = inputs(objective), inputs(objective)
    whole = joint.call()
    whole.backward()
    loss = dealt.call(rows, RankGather()).double()
    loss.backward()
    # each rank's own rows have all of their gradient, and DDP averages over ranks
    worst = 0.0
    for one, other in zip(joint.leaves(), dealt.leaves(), strict=True):
        assert one.grad is not None
        found = torch.zeros_like(one) if other.grad is None else other.grad.clone()
        dist.all_reduce(found)
        scale = one.grad.abs().max().item() or 1.0
        worst = max(worst, (found / 2 - one.grad).abs().max().item() / scale)
    mean = loss.detach().clone()
    dist.all_reduce(mean)
    return {"joint": whole.item(), "mean": mean.item() / 2, "gradients": worst}


if __name__ == "__main__":
    main([(name, options) for name, options in json.loads(sys.argv[1])])

"""Every applicable method on five small real data sets, 1 / 4 / 16 shots and three seeds.

    python benchmarks/methods_on_real_data.py DATA -o OUT [--page docs/few_shot_results.md]

DATA holds tiles/rsscn7, medical/chest_xray and medical/medpix (the classes of modality, plane and
place are three data sets on the same images). The embedded backbone sees 96 pixels. What trains a
tower or prompts gets few epochs (BUDGET), so that all of it takes less than half an hour on two
cores; longer training is better for most. The same command goes on after an interruption.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

from domainclip._benchmark import benchmark
from domainclip.backbones import load_backbone
from domainclip.banks import read_bank, write_bank
from domainclip.catalogue import entries
from domainclip.commands._progress import progress_bar
from domainclip.data.datasets import open_dataset
from domainclip.evaluation._benchmark_page import markdown

BANKS, BANK = Path(__file__).resolve().parents[1] / "examples" / "banks", "bank.jsonl"
COMMAND = "python benchmarks/methods_on_real_data.py DATA -o OUT --page docs/few_shot_results.md"
HEAD = """# Every method on five small real data sets

The embedded backbone (weak, offline) at 96 pixels on two cores: a comparison of methods under one
protocol, not numbers to publish. Splits 50 / 20 / 30 %, draws of the `tip` sampler, hyperparameters
chosen on min(shots, 4) validation images a class, never on the test images. The test splits hold 18
to 63 images, so one image is 2 to 6 points. Towers and prompts were trained for the few epochs that
stand behind the method's name; `wise_ft` is half way back from `full`.

"""

SETS = {
    "rsscn7": "tiles", "chest_xray_sample": "medical", "medpix_modality": "medical",
    "medpix_plane": "medical", "medpix_location": "medical",
}  # fmt: skip
SMALL = {"epochs": 5, "batch_size": 8}
BUDGET: dict[str, dict[str, Any]] = {
    "coop": {"n_ctx": 4, "epochs": 15, "batch_size": 16, "views": 2},
    "kgcoop": {"epochs": 15, "batch_size": 16, "views": 2},
    "eco": {"n_ctx": (2, 2), "epochs": 10, "batch_size": 16, "views": 2},
    "cocoop": {"epochs": 2, "views": 2},
    "biomedcoop": {"bank": BANK, "epochs": 5, "views": 2},
    "vdt": {"bank": BANK, "lr": 2e-2, "epochs": 5, "views": 2},
    "lora": {"rank": 8, "alpha": 16, "towers": ("image",), **SMALL},
    "svd": {"towers": ("image",), "lr": 1e-2, **SMALL},
    "full": {"lr": 1e-4, **SMALL},
    "ft_clip": {"lr": 3e-4, **SMALL},
    "bitfit": {"lr": 3e-3, **SMALL},
    "norm_tuning": {"lr": 3e-3, **SMALL},
    "flyp": {"lr": 1e-4, "epochs": 2, "batch_size": 8},
    "clip_refine": {},
    "wise_ft": {"lr": 1e-4, **SMALL},
}
# maple needs a tower of tokens, tai_dpt captions, ship classes without images (it is coop here),
# gda_new new classes, and a combination is as good as its parts
LEFT_OUT = {"maple", "tai_dpt", "ship", "gda_new", "combined"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--page", type=Path, help="write the tables here too, as documentation")
    parser.add_argument("--methods", help="only these, with commas between")
    parser.add_argument("--shots", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments = parser.parse_args()
    names = [e.name for kind in ("heads", "adapters") for e in entries(kind)]
    chosen = arguments.methods.split(",") if arguments.methods else names
    clip = load_backbone("embedded").see(96)
    sets = [open_dataset(name, root=arguments.data / folder) for name, folder in SETS.items()]
    methods = {name: BUDGET.get(name, {}) for name in chosen if name not in LEFT_OUT}
    arguments.output.mkdir(parents=True, exist_ok=True)
    page = arguments.page and arguments.page.resolve()
    os.chdir(arguments.output)  # so that the tables name the bank without a folder
    rows = [row for file in sorted(BANKS.glob("*.jsonl")) for row in read_bank(file)]
    write_bank(Path(BANK), rows)
    started = time.perf_counter()
    with progress_bar("benchmark", "cells") as show:
        found = benchmark(
            clip, sets, methods, Path(), shots=arguments.shots, seeds=arguments.seeds,
            say=lambda text: print(text, file=sys.stderr), progress=show,
        )  # fmt: skip
    minutes = (time.perf_counter() - started) / 60
    print(f"{found.measured} cells measured in {minutes:.1f} min, {found.found} found done, "
          f"{found.failed} without a number: {arguments.output / 'summary.md'}")  # fmt: skip
    if page:
        page.write_text(HEAD + markdown(found.summary, COMMAND), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

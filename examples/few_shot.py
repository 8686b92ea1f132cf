"""A classifier from a folder of class folders: python few_shot.py FOLDER [METHOD] [SHOTS].

FOLDER/grass/1.jpg, FOLDER/forest/7.jpg, ...: two thirds of each class train, the rest test.
"""

from __future__ import annotations

import sys
from pathlib import Path

import domainclip as dc


def main(folder: str, method: str = "gda", shots: str = "16") -> None:
    files = sorted(path for path in Path(folder).glob("*/*") if path.is_file())
    names = sorted({path.parent.name for path in files})
    train, test = [p for i, p in enumerate(files) if i % 3], files[::3]
    clip = dc.load_backbone("embedded")
    classifier = dc.few_shot(
        clip, train, [p.parent.name for p in train], names, method=method, shots=int(shots), seed=1
    )
    accuracy = classifier.score(test, [p.parent.name for p in test])
    print(f"{method}, {shots} shots a class: {accuracy:.3f} of {len(test)} test images right")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3, 4):
        print("usage: python few_shot.py FOLDER [METHOD] [SHOTS]", file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])

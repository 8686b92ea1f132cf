"""Findings of OpenI's chest reports against their MeSH terms: F1 per finding, normal or abnormal.

    python benchmarks/dicom_labels.py [--openi ../shared/data/medical/openi/NLMCXR_reports.tgz]

Truth: the headings that indexers gave to each report ("major" terms). A label is a finding that the
report states (status present). Beside it, as the peer, the same phrases without the rules for
negation and doubt: what a search for words gives. Half of the reports (``dev``) was looked at while
the phrases were written; the other half was not.
"""

from __future__ import annotations

import argparse
import tarfile
import time
from pathlib import Path

from lxml import etree

from domainclip.extractors.dicom.records import Section
from domainclip.extractors.dicom.reports.findings import NO_FINDING, findings_of, shipped_findings

# finding -> MeSH headings; `lung/x` is a heading with its qualifier
TRUTH = {
    "Cardiomegaly": {"cardiomegaly"},
    "Atelectasis": {"pulmonary atelectasis"},
    "Pleural Effusion": {"pleural effusion"},
    "Pneumothorax": {"pneumothorax", "hydropneumothorax"},
    "Edema": {"pulmonary edema", "pulmonary congestion", "heart failure"},
    "Consolidation": {"consolidation"},
    "Pneumonia": {"pneumonia"},
    "Fracture": {"fractures, bone"},
    "Lung Lesion": {"nodule", "mass"},
    "Emphysema": {
        "emphysema",
        "pulmonary emphysema",
        "pulmonary disease, chronic obstructive",
    },
    "Lung Opacity": {"opacity", "infiltrate", "airspace disease"},
    "Calcified Granuloma": {"calcified granuloma", "granuloma", "granulomatous disease"},
    "Hernia": {"hernia, hiatal"},
    "Spinal Curvature": {"scoliosis", "kyphosis"},
    "Atherosclerosis": {"atherosclerosis"},
}
TEN = list(TRUTH)[:10]


def reports(path: Path) -> list[tuple[list[Section], set[str]]]:
    """(findings and impression, MeSH headings) of every indexed report that has either."""
    found = []
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda each: each.name):
            file = archive.extractfile(member)
            if file is None or not member.name.endswith(".xml"):
                continue
            tree = etree.parse(file, etree.XMLParser(resolve_entities=False))
            texts = {each.get("Label", ""): each.text or "" for each in tree.iter("AbstractText")}
            sections = [
                Section(label.lower(), label, text)
                for label, text in texts.items()
                if label in ("FINDINGS", "IMPRESSION") and text.strip()
            ]
            headings = {
                (each.text or "").split("/")[0].strip().lower() for each in tree.iter("major")
            }
            if sections and "no indexing" not in headings:
                found.append((sections, headings))
    return found


def score(found: list[tuple[set[str], set[str]]], names: list[str]) -> tuple[int, int, int]:
    """(true positives, false positives, false negatives) over the findings of these names."""
    hits = false = missed = 0
    for labels, headings in found:
        for name in names:
            truth, said = bool(headings & TRUTH[name]), name in labels
            hits += truth and said
            false += said and not truth
            missed += truth and not said
    return hits, false, missed


def f1(hits: int, false: int, missed: int) -> float:
    """The harmonic mean of precision and recall."""
    return 2 * hits / max(1, 2 * hits + false + missed)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path("../shared/data/medical/openi/NLMCXR_reports.tgz")
    parser.add_argument("--openi", type=Path, default=default)
    read = reports(parser.parse_args().openi)
    started = time.perf_counter()
    ours = [({f.name for f in findings_of(s) if f.status == "present"}, h) for s, h in read]
    opened = [({f.name for f in findings_of(s) if f.status != "absent"}, h) for s, h in read]
    seconds = time.perf_counter() - started
    words = [
        ({n for n, p in shipped_findings().patterns if any(p.search(x.text.lower()) for x in s)}, h)
        for s, h in read
    ]
    print(f"{len(read):,} reports, {2 * len(read) / seconds:,.0f} reports/s\n")
    print(f"{'finding':22}{'in MeSH':>8}{'F1':>8}{'words':>8}")
    for name in TRUTH:
        in_mesh = sum(bool(headings & TRUTH[name]) for _, headings in read)
        row = f1(*score(ours, [name])), f1(*score(words, [name]))
        print(f"{name:22}{in_mesh:8}{row[0]:8.3f}{row[1]:8.3f}")
    for title, part in (
        ("all", slice(None)),
        ("dev", slice(0, None, 2)),
        ("unseen", slice(1, None, 2)),
    ):
        ten = f1(*score(ours[part], TEN))
        peer = f1(*score(words[part], TEN))
        loose = f1(*score(opened[part], TEN))
        right = [(bool(labels - {NO_FINDING})) == ("normal" not in h) for labels, h in opened[part]]
        print(
            f"\n{title}: micro-F1 on the first ten {ten:.3f} (with open ones {loose:.3f}; "
            f"words alone {peer:.3f}, ratio {ten / peer:.2f}); "
            f"normal or abnormal {sum(right) / len(right):.3f}",
            end="",
        )
    print()


if __name__ == "__main__":
    main()

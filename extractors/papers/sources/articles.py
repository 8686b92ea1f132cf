"""Which files of a folder make up which article: its forms, its images, what is somebody else's.

The rules, from the most certain on:

- a folder named ``PMC<id>.<version>`` is that article (PMC's bucket layout);
- TeX files make a folder one LaTeX article, with the folders that they name or that hold no article
  of their own, and with a PDF of the same stem or of the folder's name; of other PDFs those that
  the TeX names are graphics, and all in an archive or a folder named by an arXiv number;
- a folder's only JATS file makes it that article's: its images, its only PDF or the one of the same
  stem, and the folders below without text of their own; not if several PDFs are there that neither
  its name nor its text has to do with;
- else files of one stem are one article (``X.xml``, ``X.pdf``, ``X.tar.gz``, the folder ``X/``),
  and what begins with a JATS file's stem (``X_fig1.jpg``, ``X-S1.pdf``) belongs to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from domainclip.errors import BadInput

from .folders import Tree
from .found import DEEPEST, Found, Place, is_bucket_name, join_path, last_part
from .jats_folder import is_one_package, package_articles
from .latex_folder import is_one_source, latex_articles
from .loose_folder import loose_articles

__all__ = ["articles"]

_BUCKET_EXTRAS = ("metadata", "inventory-reports")  # beside the articles in PMC's bucket


def articles(tree: Tree, path: str, name: str, depth: int = 0) -> Iterator[Found]:
    """What the folder at ``path`` of a tree holds; name: what stands before its articles' names."""
    if is_bucket_name(last_part(path or name)):
        yield Found(kind="bucket", name=last_part(path or name), folder=path)
        return
    if depth > DEEPEST:
        detail = f"It lies more than {DEEPEST} folders deep; give it as a source of its own."
        yield Found(kind="refused", name=name, folder=path, reason="too_deep", detail=detail)
        return
    try:
        folder = tree.folder(path)
    except BadInput as error:
        reason = "unreadable_folder"
        yield Found(kind="refused", name=name, folder=path, reason=reason, detail=str(error))
        return
    if any(is_bucket_name(each) for each in folder.folders):
        folder.folders = [each for each in folder.folders if each not in _BUCKET_EXTRAS]

    def below(sub: str) -> Iterator[Found]:
        return articles(tree, join_path(path, sub), join_path(name, sub), depth + 1)

    place = Place(tree, path, name, folder, below)
    if folder.count.get("tex") and is_one_source(place):
        yield from latex_articles(place)
    elif folder.count.get("jats") == 1 and is_one_package(place):
        yield from package_articles(place)
    else:
        yield from loose_articles(place)

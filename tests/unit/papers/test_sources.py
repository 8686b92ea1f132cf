"""What a folder, an archive or a list holds: one source an article, each file in one of them."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from domainclip.errors import BadInput
from domainclip.extraction import Source
from domainclip.extractors.papers.sources.finding import find_sources
from domainclip.extractors.papers.sources.packages import open_package
from domainclip.pairs.schema import Skip

JATS = b"<?xml version='1.0'?><!DOCTYPE article><article><front/></article>"
PDF = b"%PDF-1.4\n"
TEX = b"\\documentclass{article}\n\\begin{document}\n%s\n\\end{document}\n"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("spool")))


def make(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def tar_bytes(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_bytes(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return out.getvalue()


def mains(root: Path | str) -> dict[str, dict[str, str]]:
    """name -> {form: main file} of every source; a refused one: {"refused": reason}."""
    told: dict[str, dict[str, str]] = {}
    for source in find_sources(str(root)):
        assert source.name not in told, source.name
        opening = open_package(source)
        if isinstance(opening, Skip):
            told[source.name] = {"refused": opening.reason}
            continue
        with opening as package:
            told[source.name] = dict(package.main)
            for name in package.main.values():
                package.read(name)
    return told


def files(root: Path, name: str) -> set[str]:
    (source,) = [each for each in find_sources(str(root)) if each.name == name]
    opening = open_package(source)
    assert not isinstance(opening, Skip)
    with opening as package:
        return set(package.files)


class TestFolders:
    def test_loose_pdfs_are_an_article_each(self, tmp_path: Path) -> None:
        make(tmp_path, {"a.pdf": PDF, "b.PDF": PDF, "sub/a.pdf": PDF, "x.csv": b"", "c.png": PNG})
        assert mains(tmp_path) == {
            "a": {"pdf": "a.pdf"},
            "b": {"pdf": "b.PDF"},
            "sub/a": {"pdf": "a.pdf"},
        }

    def test_files_of_one_stem_are_one_article(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            {
                "p1.xml": JATS,
                "p1.pdf": PDF,
                "p1_fig1.jpg": b"\xff\xd8\xff",
                "p1-S1.pdf": PDF,
                "p2.xml": JATS,
                "p10.xml": JATS,
                "p10_fig1.jpg": b"\xff\xd8\xff",
            },
        )
        assert mains(tmp_path) == {
            "p1": {"jats": "p1.xml", "pdf": "p1.pdf"},
            "p2": {"jats": "p2.xml"},
            "p10": {"jats": "p10.xml"},
        }
        assert {"p1_fig1.jpg", "p1-S1.pdf"} <= files(tmp_path, "p1")
        assert not files(tmp_path, "p1") & {"p2.xml", "p10.xml"}

    def test_a_folder_for_each_article(self, tmp_path: Path) -> None:
        for name in ("PMC1", "PMC2"):
            make(
                tmp_path,
                {
                    f"{name}/fulltext.xml": JATS,
                    f"{name}/fulltext.pdf": PDF,
                    f"{name}/f1.jpg": b"\xff\xd8\xff",
                },
            )
        expected = {"jats": "fulltext.xml", "pdf": "fulltext.pdf"}
        assert mains(tmp_path) == {"PMC1": expected, "PMC2": expected}
        assert mains(tmp_path / "PMC1") == {"PMC1": expected}

    def test_a_legacy_package_keeps_its_supplements(self, tmp_path: Path) -> None:
        make(
            tmp_path / "PMC13900",
            {
                "bcr-2-1-055.nxml": JATS,
                "bcr-2-1-055.pdf": PDF,
                "bcr-2-1-055-1.jpg": b"\xff\xd8\xff",
                "bcr-2-1-055-1.gif": b"GIF89a",
                "bcr-2-1-055-S1.pdf": PDF,
                "other-supplement.pdf": PDF,
                "data.zip": zip_bytes({"x.pdf": PDF}),
            },
        )
        assert mains(tmp_path) == {
            "PMC13900": {"jats": "bcr-2-1-055.nxml", "pdf": "bcr-2-1-055.pdf"}
        }
        assert len(files(tmp_path, "PMC13900")) == 7

    def test_images_of_a_folder_below_and_of_the_folder(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            {
                "one.xml": JATS,
                "two.xml": JATS,
                "images/one.g001.png": PNG,
                "stray.png": PNG,
                "two/inside.png": PNG,
            },
        )
        assert mains(tmp_path) == {"one": {"jats": "one.xml"}, "two": {"jats": "two.xml"}}
        assert {"images/one.g001.png", "stray.png"} <= files(tmp_path, "one")
        assert "two/inside.png" in files(tmp_path, "two")

    def test_a_pdf_above_its_source(self, tmp_path: Path) -> None:
        make(
            tmp_path / "joss",
            {
                "10.21105.1.pdf": PDF,
                "paper.jats/10.21105.1.jats": JATS,
                "paper.jats/plot.pdf": PDF,
                "paper.jats/scheme.pdf": PDF,
                "paper.jats/photo.png": PNG,
            },
        )
        make(tmp_path / "thesis", {"paper.pdf": PDF, "src/main.tex": TEX % b"x"})
        assert mains(tmp_path) == {
            "joss": {"jats": "paper.jats/10.21105.1.jats", "pdf": "10.21105.1.pdf"},
            "thesis": {"latex": "src/main.tex", "pdf": "paper.pdf"},
        }

    def test_a_source_beside_its_pdf(self, tmp_path: Path) -> None:
        source = {"main.tex": TEX % b"\\includegraphics{f}", "f.png": PNG}
        make(
            tmp_path,
            {
                "2310.06825.pdf": PDF,
                "2310.06825.tar.gz": tar_bytes(source),
                "2310.06826.pdf": PDF,
                **{f"2310.06826/{name}": data for name, data in source.items()},
                "hep-th9802040.gz": gzip.compress(TEX % b"old"),
                "hep-th9802040.pdf": PDF,
            },
        )
        told = mains(tmp_path)
        assert told["2310.06825"] == {"latex": "main.tex", "pdf": "2310.06825.pdf"}
        assert told["2310.06826"] == {"latex": "2310.06826/main.tex", "pdf": "2310.06826.pdf"}
        assert told["hep-th9802040"] == {"latex": "hep-th9802040", "pdf": "hep-th9802040.pdf"}
        assert len(told) == 3

    def test_two_mains_that_differ_in_case_only(self, tmp_path: Path) -> None:
        make(tmp_path, {"a.pdf": PDF, "A.pdf": PDF, "b.pdf": PDF, "b.PDF": PDF})
        assert sorted(mains(tmp_path)) == ["A", "a", "b", "b.pdf"]


class TestStrays:
    """One text among PDFs of other names does not make them its own."""

    papers = {f"paper{n}.pdf": PDF for n in range(10)}  # noqa: RUF012
    each = {f"paper{n}": {"pdf": f"paper{n}.pdf"} for n in range(10)}  # noqa: RUF012

    @pytest.mark.parametrize("name", ["stray.xml", "stray.nxml", "in.xml"])
    def test_jats(self, tmp_path: Path, name: str) -> None:
        own = {"fig1.png": PNG, "stray-S1.pdf": PDF}
        make(tmp_path / "in", {name: JATS, **self.papers, **own})
        told = mains(tmp_path / "in")
        assert told.pop(name.split(".")[0]) == {"jats": name}
        told.pop("stray-S1", None)
        assert told == self.each

    def test_jats_with_one_pdf_or_pdfs_that_it_names(self, tmp_path: Path) -> None:
        named = JATS.replace(b"<front/>", b"<graphic href='s1.pdf'/><graphic href='a/s2'/>")
        make(tmp_path / "one", {"a.xml": JATS, "b.pdf": PDF, "f.png": PNG})
        make(tmp_path / "named", {"a.xml": named, "s1.pdf": PDF, "s2.pdf": PDF})
        assert mains(tmp_path) == {
            "one": {"jats": "a.xml", "pdf": "b.pdf"},
            "named": {"jats": "a.xml"},
        }

    def test_notes_in_tex(self, tmp_path: Path) -> None:
        make(tmp_path / "in", {"notes.tex": b"Read \\emph{these}.", **self.papers})
        told = mains(tmp_path / "in")
        told.pop("notes", None)
        assert told == self.each

    def test_a_tex_document(self, tmp_path: Path) -> None:
        text = (
            b"\\input{sec/a}\\includegraphics[width=3cm]{plot}\\fig{x/b_c.pdf}{Paper1 is, paper2.}"
        )
        make(
            tmp_path / "in",
            {
                "main.tex": TEX % text,
                "main.pdf": PDF,
                "sec/a.tex": b"\\includegraphics{\\here my figure}",
                "plot.pdf": PDF,
                "b_c.pdf": PDF,
                "figure.pdf": PDF,
                **self.papers,
            },
        )
        told = mains(tmp_path / "in")
        assert told.pop("in") == {"latex": "main.tex", "pdf": "main.pdf"}
        assert told == self.each

    def test_the_one_paper_beside_its_tex(self, tmp_path: Path) -> None:
        make(tmp_path / "in", {"root.tex": TEX % b"", "2310.06825v2.pdf": PDF})
        assert mains(tmp_path) == {"in": {"latex": "root.tex", "pdf": "2310.06825v2.pdf"}}


class TestLatex:
    def test_graphics_are_no_papers(self, tmp_path: Path) -> None:
        make(
            tmp_path / "2310.06825",
            {
                "main.tex": TEX % b"\\input{sections/intro}\\includegraphics{plots/a}",
                "main.pdf": PDF,
                "sections/intro.tex": b"\\includegraphics{deep/b.pdf}",
                "plots/a.pdf": PDF,
                "deep/b.pdf": PDF,
                "logo.pdf": PDF,
                "figures/unused.pdf": PDF,
                "main.bbl": b"",
            },
        )
        assert mains(tmp_path) == {"2310.06825": {"latex": "main.tex", "pdf": "main.pdf"}}
        assert len(files(tmp_path, "2310.06825")) == 8

    def test_a_loose_document_among_others_folders(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            {
                "example.tex": TEX % b"\\includegraphics{mine/a}",
                "mine/a.pdf": PDF,
                "1706.03762/main.tex": TEX % b"",
                "papers/x.pdf": PDF,
                "papers/y.pdf": PDF,
                "stray.pdf": PDF,
            },
        )
        assert mains(tmp_path) == {
            "example": {"latex": "example.tex"},
            "1706.03762": {"latex": "main.tex"},
            "papers/x": {"pdf": "x.pdf"},
            "papers/y": {"pdf": "y.pdf"},
            "stray": {"pdf": "stray.pdf"},
        }

    def test_many_documents_in_one_folder(self, tmp_path: Path) -> None:
        make(tmp_path, {f"2310.0000{n}.tex": TEX % b"" for n in range(3)})
        assert sorted(mains(tmp_path)) == ["2310.00000", "2310.00001", "2310.00002"]

    def test_a_supplement_is_part_of_its_article(self, tmp_path: Path) -> None:
        make(tmp_path / "a", {"ms.tex": TEX % b"\\title{x}\\maketitle", "supp.tex": TEX % b""})
        assert list(mains(tmp_path)) == ["a"]


class TestArxivBulk:
    def test_members_of_a_bulk_tar(self, tmp_path: Path) -> None:
        bulk = {
            "2310/2310.06825.gz": tar_bytes({"main.tex": TEX % b"", "f/a.pdf": PDF}),
            "2310/2310.06826.gz": gzip.compress(TEX % b"single"),
            "2310/2310.06827.pdf": PDF,
            "2310/hep-th9802040.gz": gzip.compress(b"\\magnification 1200 \\input amstex \\bye"),
        }
        make(tmp_path, {"arXiv_src_2310_001.tar": tar_bytes(bulk, "w")})
        told = mains(tmp_path)
        assert told == {
            "2310.06825": {"latex": "main.tex"},
            "2310.06826": {"latex": "2310.06826"},
            "2310.06827": {"pdf": "2310.06827.pdf"},
            "hep-th9802040": {"latex": "hep-th9802040"},
        }

    def test_postscript_alone_is_named(self, tmp_path: Path) -> None:
        make(tmp_path, {"hep-th9901001.gz": gzip.compress(b"%!PS-Adobe-2.0\n" + bytes(100))})
        (told,) = mains(tmp_path).values()
        assert told == {"refused": "no_article"}


class TestArchives:
    def test_a_zip_of_a_folder_tree_is_as_the_tree(self, tmp_path: Path) -> None:
        tree = {
            "joss/10.1.pdf": PDF,
            "joss/paper.jats/10.1.jats": JATS,
            "joss/paper.jats/f.png": PNG,
            "PMC1/a.nxml": JATS,
            "PMC1/a.jpg": b"\xff\xd8\xff",
            "tex/main.tex": TEX % b"\\includegraphics{g/b}",
            "tex/g/b.pdf": PDF,
            "loose/x.pdf": PDF,
            "PMC77.1/PMC77.1.xml": JATS,
        }
        make(tmp_path / "tree", tree)
        make(tmp_path, {"t.zip": zip_bytes(tree), "t.tar.gz": tar_bytes(tree)})
        told = mains(tmp_path / "tree")
        assert set(told) == {"joss", "PMC1", "tex", "loose/x", "PMC77.1"}
        for name in ("t.zip", "t.tar.gz"):
            packed = mains(tmp_path / name)
            assert {key.removeprefix("t/"): set(value) for key, value in packed.items()} == {
                key: set(value) for key, value in told.items()
            }

    def test_legacy_packages_take_their_licence_from_the_list(self, tmp_path: Path) -> None:
        package = tar_bytes({"PMC13900/a.nxml": JATS, "PMC13900/a.pdf": PDF})
        make(
            tmp_path,
            {
                "oa_package/08/e0/PMC13900.tar.gz": package,
                "oa_package/08/e0/PMC13901.tar.gz": package,
                "oa_file_list.csv": b"File,Article Citation,Accession ID,"
                b"Last Updated (YYYY-MM-DD HH:MM:SS),PMID,License\n"
                b'oa_package/08/e0/PMC13900.tar.gz,"Breast, 2001",PMC13900,2019-11-05,11250747,'
                b"CC BY-NC\noa_package/zz/zz/PMC1.tar.gz,x,PMC1,2019-11-05,1,NO-CC CODE\n",
            },
        )
        for root in (tmp_path, tmp_path / "oa_package", tmp_path / "oa_file_list.csv"):
            metas = {}
            for source in find_sources(str(root)):
                opening = open_package(source)
                if not isinstance(opening, Skip):
                    with opening as opened:
                        assert opened.main == {"jats": "PMC13900/a.nxml", "pdf": "PMC13900/a.pdf"}
                        metas[source.name.rsplit("/", 1)[-1]] = dict(opened.meta)
            assert metas["PMC13900"] == {
                "pmcid": "PMC13900",
                "pmid": "11250747",
                "license_code": "CC BY-NC",
            }

    def test_an_article_archive_with_graphics_only_pdfs(self, tmp_path: Path) -> None:
        source = {
            "paper/main.tex": TEX % b"",
            "paper/a.pdf": PDF,
            "paper/standalone/fig.tex": b"\\documentclass{standalone}",
        }
        make(tmp_path, {"x.zip": zip_bytes(source), "y.tar.gz": tar_bytes(source)})
        assert mains(tmp_path) == {
            "x": {"latex": "paper/main.tex"},
            "y": {"latex": "paper/main.tex"},
        }

    def test_a_set_of_articles_in_one_file(self, tmp_path: Path) -> None:
        article = (
            '<article xmlns:xlink="x"><front><article-meta><article-id pub-id-type="pmc">{}'
            "</article-id></article-meta></front><sub-article/></article>"
        )
        body = "".join(article.format(n) for n in range(100, 103)) + article.replace("pmc", "doi")
        data = f"<?xml version='1.0'?><pmc-articleset>{body}</pmc-articleset>".encode()
        make(tmp_path, {"set.xml": data, "z.zip": zip_bytes({"s.xml": data, "b.xml": JATS})})
        told = mains(tmp_path)
        assert set(told) == {
            *(f"set/PMC{n}" for n in range(100, 103)),
            "set/0004",
            *(f"z/s/PMC{n}" for n in range(100, 103)),
            "z/s/0004",
            "z/b",
        }
        (source,) = [e for e in find_sources(str(tmp_path)) if e.name == "set/PMC101"]
        opening = open_package(source)
        assert not isinstance(opening, Skip)
        with opening as package:
            assert package.read(package.main["jats"]) == article.format(101).encode()


class TestLists:
    def test_paths_and_numbers(self, tmp_path: Path) -> None:
        make(tmp_path, {"d/a.pdf": PDF, "d/b.xml": JATS})
        (tmp_path / "list.txt").write_text("# mine\nd/a.pdf\nd/b.xml\nPMC7\nPMC8.2\nd/gone.pdf\n")
        (tmp_path / "table.csv").write_text("title,pmcid\nx,PMC7\ny,8\n")
        sources = {each.name: each for each in find_sources(str(tmp_path / "list.txt"), bucket="B")}
        assert set(sources) == {"d/a", "d/b", "PMC7", "PMC8.2", "d/gone.pdf"}
        assert sources["PMC8.2"].path == "B/PMC8.2"
        skip = open_package(sources["d/gone.pdf"])
        assert isinstance(skip, Skip) and skip.reason == "not_there" and skip.quarantine
        names = [each.name for each in find_sources(str(tmp_path / "table.csv"))]
        assert names == ["PMC7", "PMC8"]


class TestRefusals:
    def test_a_missing_root_names_the_nearest(self, tmp_path: Path) -> None:
        make(tmp_path, {"papers/a.pdf": PDF})
        with pytest.raises(BadInput, match=r"papers"):
            list(find_sources(str(tmp_path / "paprs")))

    def test_what_cannot_be_read_says_why(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            {
                "a.docx": b"PK\x03\x04[Content_Types].xml",
                "b.rar": b"Rar!\x1a\x07\0",
                "c.xml": b"<TEI><text/></TEI>",
                "d.zip": b"PK\x03\x04" + bytes(50),
                "e.zip": zip_bytes({"x.png": PNG}),
                "f.tar.gz": b"\x1f\x8b\x08\0" + bytes(40),
            },
        )
        reasons = {name: each.get("refused") for name, each in mains(tmp_path).items()}
        assert reasons == {
            "a.docx": "unread_document",
            "b.rar": "unread_archive",
            "c.xml": "not_jats",
            "d.zip": "damaged_archive",
            "e.zip": "no_article",
            "f.tar.gz": "damaged_archive",
        }

    def test_what_is_beside_papers_is_counted_quietly(self, tmp_path: Path) -> None:
        make(tmp_path, {".DS_Store": b"", "md5sums.txt": b"", "a.pdf": PDF, "x.jpg": b"\xff\xd8"})
        ignored: Counter[str] = Counter()
        assert len(list(find_sources(str(tmp_path), ignored=ignored))) == 1
        assert ignored == {"other": 2, "image": 1}

    def test_links_lead_nowhere_else(self, tmp_path: Path) -> None:
        make(tmp_path / "out", {"secret.pdf": PDF, "secret.png": PNG})
        root = make(tmp_path / "in", {"a.xml": JATS, "real.pdf": PDF})
        (root / "link.pdf").symlink_to(tmp_path / "out" / "secret.pdf")
        (root / "a_fig.png").symlink_to(tmp_path / "out" / "secret.png")
        (root / "same.pdf").symlink_to(root / "real.pdf")
        (root / "loop").symlink_to(root)
        told = mains(root)
        assert told["link.pdf"] == {"refused": "refused_file"}
        for source in find_sources(str(root)):
            opening = open_package(source)
            if not isinstance(opening, Skip):
                with opening as package:
                    assert "a_fig.png" not in package.files

    def test_empty_archives_and_links_that_are_not_followed(self, tmp_path: Path) -> None:
        root = make(tmp_path / "in", {"a.tar": b"", "b.tar.gz": b"", "c.zip": b"", "p.pdf": PDF})
        (root / "gone.pdf").symlink_to(tmp_path / "nowhere.pdf")
        (root / "loop").symlink_to(root)
        (tmp_path / "link").symlink_to(root)
        for each in (root, tmp_path / "link"):
            assert mains(each) == {
                "a.tar": {"refused": "empty_file"},
                "b.tar.gz": {"refused": "empty_file"},
                "c.zip": {"refused": "empty_file"},
                "gone.pdf": {"refused": "dangling_link"},
                "loop": {"refused": "linked_folder"},
                "p": {"pdf": "p.pdf"},
            }
        assert mains(root / "gone.pdf") == {"gone.pdf": {"refused": "dangling_link"}}
        assert mains(root / "a.tar") == {"a.tar": {"refused": "empty_file"}}

    def test_what_is_called_an_archive_and_is_none_is_named(self, tmp_path: Path) -> None:
        make(tmp_path, {"a.tar.gz": b"\x9d\x02 noise", "b.zip": b"\x9d\x02 noise", "p.pdf": PDF})
        assert mains(tmp_path) == {
            "a.tar.gz": {"refused": "damaged_archive"},
            "b.zip": {"refused": "damaged_archive"},
            "p": {"pdf": "p.pdf"},
        }

    def test_pipes_are_not_opened(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.pdf")
        make(tmp_path, {"a.pdf": PDF})
        assert list(mains(tmp_path)) == ["a"]

    def test_names_that_are_no_text(self, tmp_path: Path) -> None:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.pdf"))).write_bytes(PDF)
        (tmp_path / "line\nbreak.pdf").write_bytes(PDF)
        told = mains(tmp_path)
        assert sorted(told) == ["\\udcff\\udcfe", "line\\nbreak"]
        for name in told:
            name.encode("utf-8")

    def test_a_package_that_went_away(self, tmp_path: Path) -> None:
        make(tmp_path, {"a.pdf": PDF})
        (source,) = find_sources(str(tmp_path))
        (tmp_path / "a.pdf").unlink()
        opening = open_package(source)
        assert not isinstance(opening, Skip)
        with pytest.raises(BadInput, match="gone"), opening:
            pass


class TestStable:
    def test_a_second_listing_is_the_same_and_new_files_add(self, tmp_path: Path) -> None:
        make(tmp_path, {"a.pdf": PDF, "PMC1/x.xml": JATS, "z.zip": zip_bytes({"1.pdf": PDF})})
        first = list(find_sources(str(tmp_path)))
        assert list(find_sources(str(tmp_path))) == first
        make(tmp_path, {"b.pdf": PDF, "PMC2/x.xml": JATS})
        more = list(find_sources(str(tmp_path)))
        assert all(each in more for each in first)
        assert {each.name for each in more} - {each.name for each in first} == {"b", "PMC2"}

    def test_sources_hold_json_values(self, tmp_path: Path) -> None:
        make(tmp_path, {"a.xml": JATS, "a.pdf": PDF, "b.xml": JATS, "t/m.tex": TEX % b""})
        for source in find_sources(str(tmp_path)):
            part = json.loads(json.dumps(source.part))
            again = Source(source.name, source.path, tuple((key, value) for key, value in part))
            opening = open_package(again)
            assert not isinstance(opening, Skip)
            with opening as package:
                assert package.main


class TestRealPapers:
    def test_each_file_is_in_one_article(self, shared_data: Path) -> None:
        root = shared_data / "papers"
        ignored: Counter[str] = Counter()
        held: Counter[str] = Counter()
        told: Counter[tuple[str, ...]] = Counter()
        for source in find_sources(str(root), ignored=ignored):
            opening = open_package(source)
            assert not isinstance(opening, Skip), source
            with opening as package:
                told[tuple(sorted(package.main))] += 1
                place = Path(source.path)
                held.update(str((place / name).resolve()) for name in package.files)
        files = {str(path.resolve()) for path in root.rglob("*") if path.is_file()}
        assert set(held) <= files and max(held.values()) == 1
        assert len(files) == len(held) + sum(ignored.values())
        assert told[("jats", "pdf")] == 43  # 40 twins and 3 of jose
        assert told[("latex",)] == 5 and told[("jats",)] == 11
        for folder in ("hard_pdfs", "arxiv_like", "icml_boxes"):
            sources = list(find_sources(str(root / folder)))
            assert len(sources) == len(list((root / folder).glob("*.pdf")))


class TestArxivMetadata:
    def test_a_snapshot_or_a_sidecar_gives_the_licence(self, tmp_path: Path) -> None:
        licence = "http://creativecommons.org/licenses/by/4.0/"
        rows = [{"id": "2310.06825", "license": licence, "doi": None, "title": "A title"}]
        make(
            tmp_path / "in",
            {
                "arXiv_src_2310_001.tar": tar_bytes(
                    {
                        "2310/2310.06825.gz": gzip.compress(TEX % b""),
                        "2310/2310.06826.gz": gzip.compress(TEX % b""),
                    },
                    "w",
                ),
                "2310.07777.pdf": PDF,
                "2310.07777.json": json.dumps({"license": licence}).encode(),
            },
        )
        lines = "\n".join(json.dumps(each) for each in rows) + "\nnot json\n"
        (tmp_path / "in" / "arxiv-metadata-oai-snapshot.json").write_text(lines)
        metas = {}
        for source in find_sources(str(tmp_path / "in")):
            opening = open_package(source)
            assert not isinstance(opening, Skip)
            with opening as package:
                metas[source.name] = dict(package.meta)
        assert metas == {
            "2310.06825": {"arxiv": "2310.06825", "license": licence, "title": "A title"},
            "2310.06826": {"arxiv": "2310.06826"},
            "2310.07777": {"arxiv": "2310.07777", "license": licence},
        }


def test_a_list_that_names_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("list.txt\n")
    assert mains(tmp_path / "list.txt") == {"list.txt": {"refused": "nested_list"}}

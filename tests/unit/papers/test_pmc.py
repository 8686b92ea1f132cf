"""PubMed Central's bucket: from a folder, by HTTP and by S3, checked and synchronised."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from domainclip.errors import BadInput, UsageError
from domainclip.extraction import Source
from domainclip.extractors.papers.sources.finding import find_sources
from domainclip.extractors.papers.sources.packages import open_package
from domainclip.extractors.papers.sources.pmc import BucketArticle, inventory_sources, left_out
from domainclip.pairs.schema import Skip

from .bucket_server import BucketServer

JATS = b"<article><front><article-meta/></front></article>"


def article(name: str, **more: object) -> dict[str, bytes]:
    """The files of an article version of the bucket, by key."""
    files = {
        f"{name}.xml": JATS + name.encode(),
        f"{name}.pdf": b"%PDF-1.4 " + name.encode(),
        "fig 1.jpg": b"\xff\xd8\xff" + name.encode(),
    }

    def url(file: str) -> str:
        digest = hashlib.md5(files[file]).hexdigest()
        return f"s3://pmc-oa-opendata/{name}/{file.replace(' ', '%20')}?md5={digest}"

    about = {
        "pmcid": name.split(".")[0],
        "version": int(name.split(".")[1]),
        "doi": "10.1/x",
        "license_code": "CC BY",
        "is_retracted": False,
        "is_historical_ocr": False,
        "xml_url": url(f"{name}.xml"),
        "pdf_url": url(f"{name}.pdf"),
        "media_urls": [url("fig 1.jpg")],
        **more,
    }
    told = json.dumps(about).encode()
    keys = {f"{name}/{file}": data for file, data in files.items()}
    return {**keys, f"{name}/{name}.json": told, f"metadata/{name}.json": told}


def bucket(**versions: dict[str, object]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name, more in versions.items():
        files |= article(name.replace("_", "."), **more)
    return files


def inventory(day: str, rows: list[tuple[str, str]]) -> dict[str, bytes]:
    """A daily inventory: its manifest and one part. rows: (article version, last changed)."""
    key = f"inventory-reports/pmc-oa-opendata/metadata/data/{day}.csv.gz"
    table = "".join(
        f'"pmc-oa-opendata","metadata/{n}.json","{t}T01:02:03.000Z","e"\n' for n, t in rows
    )
    manifest = {
        "sourceBucket": "pmc-oa-opendata",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, LastModifiedDate, ETag",
        "files": [{"key": key, "size": 1}],
    }
    place = f"inventory-reports/pmc-oa-opendata/metadata/{day}T01-00Z/manifest.json"
    return {place: json.dumps(manifest).encode(), key: gzip.compress(table.encode())}


def write(root: Path, files: dict[str, bytes]) -> Path:
    for key, data in files.items():
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(data)
    return root


def read(source: Source, **options: frozenset[str]) -> dict[str, bytes] | str:
    opening = open_package(source, **options)
    if isinstance(opening, Skip):
        assert not opening.quarantine
        return opening.reason
    with opening as package:
        assert set(package.files) >= {f"{package.name}.xml", "fig 1.jpg"}
        assert package.meta["license_code"] == "CC BY"
        return {form: package.read(name) for form, name in package.main.items()}


def expected(name: str) -> dict[str, bytes]:
    return {"jats": JATS + name.encode(), "pdf": b"%PDF-1.4 " + name.encode()}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketServer]:
    pytest.importorskip("s3fs")
    from domainclip.extractors.papers.sources import remote

    running = BucketServer(bucket(PMC1_1={}, PMC2_1={}, PMC2_2={}, PMC10_1={}, PMC11_3={}))
    monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
    monkeypatch.setattr(remote, "FIRST_WAIT_S", 0.001)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    remote._file_system.cache_clear()
    yield running
    remote._file_system.cache_clear()
    running.close()


class TestFolder:
    def test_each_version_is_an_article(self, tmp_path: Path) -> None:
        write(tmp_path, bucket(PMC1_1={}, PMC2_1={}))
        sources = list(find_sources(str(tmp_path)))
        assert [each.name for each in sources] == ["PMC1.1", "PMC2.1"]
        for source in sources:
            assert read(source) == expected(source.name)
        (alone,) = find_sources(str(tmp_path / "PMC2.1"))
        assert alone.name == "PMC2.1" and read(alone) == expected("PMC2.1")

    def test_a_wrong_md5_is_bad_input(self, tmp_path: Path) -> None:
        write(tmp_path, bucket(PMC1_1={}))
        (tmp_path / "PMC1.1" / "PMC1.1.xml").write_bytes(JATS + b"changed")
        (source,) = find_sources(str(tmp_path))
        opening = open_package(source)
        assert not isinstance(opening, Skip)
        with opening as package:
            assert package.read("PMC1.1.pdf")
            with pytest.raises(BadInput, match="md5"):
                package.read("PMC1.1.xml")

    def test_retracted_scanned_and_mining_only_articles_are_left_out(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            bucket(
                PMC1_1={"is_retracted": True},
                PMC2_1={"is_historical_ocr": True},
                PMC3_1={"license_code": "TDM"},
                PMC4_1={},
            ),
        )
        sources = {each.name: each for each in find_sources(str(tmp_path))}
        assert read(sources["PMC1.1"]) == "retracted"
        assert read(sources["PMC2.1"]) == "historical_ocr"
        assert read(sources["PMC3.1"]) == "license_tdm"
        assert read(sources["PMC4.1"]) == expected("PMC4.1")
        assert read(sources["PMC1.1"], keep=frozenset({"retracted"})) == expected("PMC1.1")

    def test_it_works_without_json(self, tmp_path: Path) -> None:
        write(tmp_path, {"PMC5.1/PMC5.1.xml": JATS, "PMC5.1/a.png": b"\x89PNG"})
        (source,) = find_sources(str(tmp_path))
        opening = open_package(source)
        assert not isinstance(opening, Skip)
        with opening as package:
            assert package.main == {"jats": "PMC5.1.xml"} and "a.png" in package.files

    def test_json_that_is_none(self) -> None:
        for data in (b"", b"[]", b"{" * 5000, b"\xff"):
            with pytest.raises(BadInput):
                BucketArticle.parsed(data, "x")
        assert left_out({}) is None


class TestInventory:
    def test_the_same_rows_are_the_same_sources_and_new_ones_add(self, tmp_path: Path) -> None:
        write(tmp_path, bucket(PMC1_1={}, PMC2_1={}))
        rows = [("PMC1.1", "2026-10-01"), ("PMC2.1", "2026-10-02")]
        write(tmp_path, inventory("2026-11-01", rows))
        write(tmp_path, inventory("2026-11-08", [*rows, ("PMC3.1", "2026-11-05")]))
        found = {
            day: list(
                find_sources(
                    f"{tmp_path}/inventory-reports/pmc-oa-opendata/metadata/{day}T01-00Z/manifest.json"
                )
            )
            for day in ("2026-11-01", "2026-11-08")
        }
        assert found["2026-11-08"][:2] == found["2026-11-01"]
        assert [each.name for each in found["2026-11-08"][2:]] == ["PMC3.1"]
        # the tree itself gives sources of the same names, so a run may go on from either
        tree = list(find_sources(str(tmp_path)))
        assert [each.name for each in tree] == ["PMC1.1", "PMC2.1"]
        assert read(found["2026-11-01"][0]) == expected("PMC1.1")

    def test_since_takes_what_changed(self, tmp_path: Path) -> None:
        rows = [(f"PMC{n}.1", f"2026-11-{n:02}") for n in range(1, 21)]
        write(tmp_path, inventory("2026-11-21", rows))
        (manifest,) = tmp_path.rglob("manifest.json")
        names = [each.name for each in find_sources(str(manifest), since="2026-11-15")]
        assert names == [f"PMC{n}.1" for n in range(15, 21)]
        (none,) = find_sources(str(manifest), since="2026-12-01")
        skip = open_package(none)
        assert isinstance(skip, Skip)
        assert (skip.reason, skip.quarantine) == ("nothing_changed", False)
        with pytest.raises(UsageError, match=r"manifest\.json"):
            list(find_sources(str(tmp_path), since="2026-12-01"))
        with pytest.raises(BadInput, match="since"):
            list(inventory_sources(str(manifest), since="last week"))

    def test_a_manifest_elsewhere_leads_to_the_bucket(self, tmp_path: Path) -> None:
        files = inventory("2026-11-21", [("PMC1.1", "2026-11-01")])
        (place, key) = files
        (tmp_path / "manifest.json").write_bytes(files[place])
        (tmp_path / key.rsplit("/", 1)[1]).write_bytes(files[key])
        (source,) = find_sources(str(tmp_path / "manifest.json"))
        assert source.path == "s3://pmc-oa-opendata/PMC1.1"

    def test_a_broken_manifest_is_bad_input(self, tmp_path: Path) -> None:
        (tmp_path / "manifest.json").write_text('{"sourceBucket": "x", "files": 3}')
        with pytest.raises(BadInput, match="manifest"):
            list(find_sources(str(tmp_path / "manifest.json")))


class TestServer:
    def test_a_bucket_by_s3_page_by_page(self, server: BucketServer) -> None:
        sources = list(find_sources("s3://pmc"))
        names = [each.name for each in sources]
        assert names == ["PMC1.1", "PMC10.1", "PMC11.3", "PMC2.1", "PMC2.2"]
        for source in sources:
            assert read(source) == expected(source.name)

    def test_only_what_is_read_is_fetched(self, server: BucketServer) -> None:
        (source, *_) = find_sources("s3://pmc")
        opening = open_package(source)
        assert not isinstance(opening, Skip)
        server.asked.clear()
        with opening as package:
            package.read("PMC1.1.xml")
        assert not any(key.endswith((".pdf", ".jpg")) for key in server.asked)

    def test_a_number_is_its_newest_version(self, server: BucketServer, tmp_path: Path) -> None:
        (tmp_path / "ids.txt").write_text("PMC2\nPMC11.3\n")
        two, eleven = find_sources(str(tmp_path / "ids.txt"), bucket="s3://pmc")
        assert read(eleven) == expected("PMC11.3")
        opening = open_package(two)
        assert not isinstance(opening, Skip)
        with opening as package:
            assert package.read(package.main["jats"]) == JATS + b"PMC2.2"

    def test_by_http(self, server: BucketServer) -> None:
        (source,) = find_sources(f"{server.url}/PMC1.1")
        assert read(source) == expected("PMC1.1")
        names = [each.name for each in find_sources(f"{server.url}/")]
        assert names == ["PMC1.1", "PMC10.1", "PMC11.3", "PMC2.1", "PMC2.2"]

    def test_an_inventory_by_http(self, server: BucketServer) -> None:
        server.files |= inventory("2026-11-01", [("PMC1.1", "2026-10-01")])
        url = f"{server.url}/inventory-reports/pmc-oa-opendata/metadata/2026-11-01T01-00Z"
        (source,) = find_sources(f"{url}/manifest.json")
        assert source.path == f"{server.url}/PMC1.1"
        assert read(source) == expected("PMC1.1")

    def test_archives_and_pdfs_by_http(self, server: BucketServer) -> None:
        import io
        import tarfile

        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for name in ("a.xml", "b.xml"):
                info = tarfile.TarInfo(name)
                info.size = len(JATS)
                tar.addfile(info, io.BytesIO(JATS))
        server.files |= {"x/bulk.tar": out.getvalue(), "x/paper.pdf": b"%PDF-1.4"}
        for url, names in (("x/bulk.tar", {"bulk/a", "bulk/b"}), ("x/paper.pdf", {"paper"})):
            sources = list(find_sources(f"{server.url}/{url}"))
            assert {each.name for each in sources} == names
            for source in sources:
                opening = open_package(source)
                assert not isinstance(opening, Skip)
                with opening as package:
                    assert all(package.read(each) for each in package.main.values())

    def test_what_fails_for_a_moment_is_asked_again(self, server: BucketServer) -> None:
        (source, *_) = find_sources("s3://pmc")
        for failures in (1, 3):
            server.failures = failures
            assert read(source) == expected("PMC1.1")

    def test_what_is_gone_or_down_is_bad_input(self, server: BucketServer) -> None:
        (source, *_) = find_sources(f"{server.url}/PMC1.1")
        del server.files["PMC1.1/PMC1.1.pdf"]
        opening = open_package(source)
        assert not isinstance(opening, Skip)
        with opening as package:
            with pytest.raises(BadInput, match="no such file"):
                package.read("PMC1.1.pdf")
            server.failures = 1000
            with pytest.raises(BadInput, match="tries"):
                package.read("PMC1.1.xml")


def test_a_dead_port_is_a_server_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp")
    from domainclip.extractors.papers.sources import remote

    monkeypatch.setattr(remote, "FIRST_WAIT_S", 0.001)
    with pytest.raises(BadInput, match="server is out of reach"):
        list(find_sources("http://127.0.0.1:9/a.pdf"))


@pytest.mark.parametrize(("scheme", "library"), [("gs", "gcsfs"), ("az", "adlfs")])
def test_a_scheme_names_the_library_that_it_needs(scheme: str, library: str) -> None:
    if importlib.util.find_spec(library) is not None:
        pytest.skip(f"{library} is installed")
    with pytest.raises(BadInput, match=f"pip install {library}"):
        list(find_sources(f"{scheme}://bucket/papers"))


def test_an_archive_on_a_server_that_reads_only_forwards(
    server: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import zipfile

    from .bucket_server import BaseHTTPRequestHandler

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in ("a.xml", "b.xml"):
            file.writestr(name, JATS + b" " * (3 << 20))
    server.files = {"bulk.zip": out.getvalue()}
    plain = server.answer

    def answer(request: BaseHTTPRequestHandler, *, body: bool) -> None:
        del request.headers["Range"]
        plain(request, body=body)

    monkeypatch.setattr(server, "answer", answer)
    opened = [open_package(each) for each in find_sources(f"{server.url}/bulk.zip")]
    assert [each.detail for each in opened if isinstance(each, Skip) and "download" in each.detail]


def test_names_of_urls_are_decoded(server: BucketServer) -> None:
    server.files = {"my paper.pdf": b"%PDF-1.4"}
    for url in ("my%20paper.pdf", ""):
        (source,) = find_sources(f"{server.url}/{url}")
        assert source.name == "my paper" and "jats" not in read_main(source)


def read_main(source: Source) -> dict[str, bytes]:
    opening = open_package(source)
    assert not isinstance(opening, Skip)
    with opening as package:
        return {form: package.read(name) for form, name in package.main.items()}


def test_a_scheme_that_nothing_reads_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadInput, match=r"gopher://: cannot be read from"):
        list(find_sources("gopher://host/papers"))

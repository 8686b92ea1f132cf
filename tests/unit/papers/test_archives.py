"""Archives are read within bounds, whatever they are made to do, and nothing is written."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainclip.errors import BadInput
from domainclip.extraction import Source
from domainclip.extraction.archives import streams
from domainclip.extraction.archives.members import listed_members, members, opened, read_step
from domainclip.extraction.archives.names import safe_name
from domainclip.extraction.archives.streams import Damaged, Inflated
from domainclip.extraction.archives.tar import tar_members
from domainclip.extraction.archives.zip import zip_members
from domainclip.extractors.papers.sources.finding import find_sources
from domainclip.extractors.papers.sources.names import stem
from domainclip.extractors.papers.sources.packages import open_package
from domainclip.pairs.schema import Skip

JATS = b"<?xml version='1.0'?><article xmlns:xlink='x'><front/><body/></article>"


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> Path:
    folder = tmp_path_factory.mktemp("spool")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def tar_of(files: dict[str, bytes], mode: str = "w", **options: object) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, **options) as tar:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return out.getvalue()


def found(path: Path) -> list[Source]:
    return list(find_sources(str(path)))


def read_all_mains(sources: list[Source]) -> dict[str, dict[str, bytes]]:
    read = {}
    for source in sources:
        opening = open_package(source)
        if isinstance(opening, Skip):
            continue
        with opening as package:
            read[source.name] = {form: package.read(file) for form, file in package.main.items()}
    return read


def skips(sources: list[Source]) -> dict[str, Skip]:
    opened = {source.name: open_package(source) for source in sources}
    return {name: each for name, each in opened.items() if isinstance(each, Skip)}


class TestNames:
    @given(st.text(max_size=60))
    def test_an_accepted_name_never_leads_outside(self, name: str) -> None:
        clean, refused = safe_name(name)
        if not refused:
            root = Path("/root/of/all")
            assert root in (root / clean).parents
            assert (".." not in clean.split("/") and clean.isprintable()) or not clean.isascii()
            clean.encode("utf-8")

    @given(
        st.lists(st.sampled_from(["..", ".", "", "a", "C:", "\\", "..\\", "/", "~"]), max_size=6)
    )
    def test_no_mix_of_dots_and_separators_leads_outside(self, parts: list[str]) -> None:
        clean, refused = safe_name("/".join(parts))
        if not refused:
            root = Path("/root/of/all")
            assert (root / clean).resolve().is_relative_to(root)
            assert not clean.startswith("/")

    @given(st.text(), st.text())
    def test_different_names_stay_different(self, one: str, other: str) -> None:
        from domainclip.extraction.archives.names import shown

        if "\\" not in one + other and one != other:
            assert shown(one) != shown(other)

    @pytest.mark.parametrize(
        "name", ["/etc/passwd", "../x.pdf", "a/../../x", "C:\\x.pdf", "..\\x", "", "a" * 2000]
    )
    def test_names_that_lead_outside_are_refused(self, name: str) -> None:
        assert safe_name(name)[1]

    def test_a_number_is_no_extension(self) -> None:
        assert stem("2310.06825") == "2310.06825"
        assert stem("2310.06825.tar.gz") == stem("x/2310.06825.gz") == "2310.06825"
        assert stem("PMC7301234.1.xml") == "PMC7301234.1"


class TestTar:
    @given(
        st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200)
            .map(lambda name: name.strip("/"))
            .filter(bool),
            st.binary(max_size=1500),
            max_size=5,
        ),
        st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    )
    def test_reads_what_the_standard_library_writes(
        self, files: dict[str, bytes], layout: int
    ) -> None:
        try:
            data = tar_of(files, format=layout)
        except ValueError:
            return  # ustar cannot hold such a name
        with tarfile.open(fileobj=io.BytesIO(data)) as peer:
            expected = [(each.name, each.size, each.offset_data) for each in peer]
        read = list(tar_members(io.BytesIO(data), "t", lambda name, size: size))
        assert [(each.name, each.size, each.offset) for each in read] == expected
        assert [each.data for each in read] == list(files.values())

    def test_a_stream_gives_what_a_file_gives(self) -> None:
        data = tar_of({f"d/{n}.xml": JATS * n for n in range(30)})
        packed = Inflated(io.BytesIO(gzip.compress(data)), "t")
        assert list(tar_members(packed, "t", lambda n, s: s)) == list(
            tar_members(io.BytesIO(data), "t", lambda n, s: s)
        )

    @pytest.mark.parametrize("cut", [100, 512, 700, 1500, 2048, 2049, 3000])
    def test_members_before_a_cut_are_given(self, cut: int) -> None:
        data = tar_of({"a.xml": b"a" * 512, "b.xml": b"b" * 512, "c.xml": b"c" * 512})
        whole = list(tar_members(io.BytesIO(data), "t", lambda n, s: s))
        packed = Inflated(io.BytesIO(gzip.compress(data[:cut])), "t")
        for file in (io.BytesIO(data[:cut]), packed):
            got = []
            with pytest.raises(Damaged) if cut % 1024 else nullcontext():
                for each in tar_members(file, "t", lambda n, s: s):
                    got.append(each)  # noqa: PERF402 - what comes before the error counts
            assert got == whole[: cut // 1024]

    def test_links_devices_and_sparse_files_are_refused(self) -> None:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for name, kind in (
                ("soft.pdf", tarfile.SYMTYPE),
                ("hard.pdf", tarfile.LNKTYPE),
                ("tty", tarfile.CHRTYPE),
                ("disk", tarfile.BLKTYPE),
                ("pipe", tarfile.FIFOTYPE),
                ("sparse.pdf", tarfile.GNUTYPE_SPARSE),
                ("folder", tarfile.DIRTYPE),
            ):
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, "/etc/passwd"
                tar.addfile(info)
            info = tarfile.TarInfo("good.xml")
            info.size = len(JATS)
            tar.addfile(info, io.BytesIO(JATS))
        read = list(tar_members(io.BytesIO(out.getvalue()), "t", lambda n, s: s))
        assert {each.name for each in read if each.refused} == {
            "soft.pdf",
            "hard.pdf",
            "tty",
            "disk",
            "pipe",
            "sparse.pdf",
        }
        assert [each.name for each in read if not each.refused] == ["good.xml"]

    def test_a_header_as_long_as_a_memory_is_refused(self) -> None:
        info = tarfile.TarInfo("x")
        info.type, info.size = tarfile.XHDTYPE, 1 << 40
        with pytest.raises(BadInput):
            list(tar_members(io.BytesIO(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048)), "t"))

    def test_sizes_past_8_gb_are_read(self) -> None:
        info = tarfile.TarInfo("big")
        info.size = 1 << 40
        with pytest.raises(Damaged, match="not copied whole"):
            list(tar_members(io.BytesIO(info.tobuf(tarfile.GNU_FORMAT)), "t"))

    @given(st.binary(max_size=3000))
    def test_noise_ends_in_bad_input(self, data: bytes) -> None:
        header = tarfile.TarInfo("a.xml")
        header.size = 100
        for start in (b"", header.tobuf()):
            with suppress(BadInput):
                list(tar_members(io.BytesIO(start + data), "t", lambda n, s: s))


class TestZip:
    @given(
        st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_characters="\0/\\"), min_size=1),
            st.binary(max_size=500),
            max_size=5,
        ),
        st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]),
    )
    def test_reads_what_the_standard_library_writes(
        self, files: dict[str, bytes], method: int
    ) -> None:
        file = io.BytesIO(zip_of(files, method))
        read = {each.name: each for each in zip_members(file, "z")}
        assert list(read) == list(files)
        for name, data in files.items():
            each = read[name]
            step = ("zip", each.offset, each.packed, each.size, each.method, each.crc)
            assert read_step(file, step, limit=1 << 20, name=name) == data

    def test_zip64_entries_are_read(self, tmp_path: Path) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file, file.open("a.xml", "w", force_zip64=True) as member:
            member.write(JATS)
        (tmp_path / "a.zip").write_bytes(out.getvalue())
        assert read_all_mains(found(tmp_path / "a.zip"))["a"] == {"jats": JATS}

    def test_a_zip_without_its_end_gives_what_stands_before_the_cut(self, tmp_path: Path) -> None:
        files = {f"{n}.xml": JATS + b"\n" * n for n in range(10)}
        data = zip_of(files)
        (tmp_path / "cut.zip").write_bytes(data[: len(data) // 3])
        sources = found(tmp_path / "cut.zip")
        assert 0 < len(read_all_mains(sources)) < 10
        assert skips(sources)["cut#damage"].reason == "damaged_archive"

    def test_encrypted_members_are_refused(self, tmp_path: Path) -> None:
        data = bytearray(zip_of({f"{name}.pdf": b"%PDF-1.4" for name in "abc"}))
        at = data.index(b"PK\x01\x02")
        data[at + 8] |= 1
        (tmp_path / "locked.zip").write_bytes(data)
        skip = skips(found(tmp_path / "locked.zip"))["locked/a.pdf"]
        assert skip.reason == "refused_member" and "encrypted" in skip.detail

    def test_overlapping_members_are_refused(self) -> None:
        data = zip_of({"a.xml": JATS * 50}, zipfile.ZIP_STORED)
        at = data.index(b"PK\x01\x02")
        end = data.index(b"PK\x05\x06")
        entry = data[at:end]
        many = data[:at] + entry * 100
        tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 100, 100, len(entry) * 100, at, 0)
        with pytest.raises(BadInput, match="overlap"):
            list(zip_members(io.BytesIO(many + tail), "z"))

    @given(st.binary(max_size=2000), st.integers(0, 400))
    def test_noise_ends_in_bad_input(self, data: bytes, at: int) -> None:
        good = zip_of({"a.xml": JATS, "b.xml": JATS})
        for bad in (data, good[:at] + data + good[at:], good[:at] + data):
            file = io.BytesIO(bad)
            try:
                for each in zip_members(file, "z"):
                    step = ("zip", each.offset, each.packed, each.size, each.method, each.crc)
                    if not each.refused:
                        read_step(file, step, limit=1 << 20, name="z")
            except BadInput:
                pass


class TestBounds:
    def test_what_unpacks_out_of_proportion_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(streams, "RATIO_FROM", 1 << 20)
        (tmp_path / "bomb.tar.gz").write_bytes(
            gzip.compress(tar_of({"a.xml": JATS, "b.pdf": bytes(8 << 20)}))
        )
        with pytest.raises(BadInput, match="times its size"):
            list(listed_members(str(tmp_path / "bomb.tar.gz"), (), "bomb"))
        # and a run goes on
        for source in found(tmp_path / "bomb.tar.gz"):
            opening = open_package(source)
            if not isinstance(opening, Skip):
                with opening as package:
                    assert set(package.main) <= {"jats"}

    def test_a_member_is_read_up_to_its_limit(self) -> None:
        file = io.BytesIO(zip_of({"a": bytes(1 << 22)}))
        (each,) = zip_members(file, "z")
        step = ("zip", each.offset, each.packed, each.size, each.method, each.crc)
        with pytest.raises(BadInput, match="limit"):
            read_step(file, step, limit=1 << 20, name="a")

    def test_archives_in_archives_end_somewhere(self, tmp_path: Path) -> None:
        data = zip_of({"a.xml": JATS, "b.xml": JATS})
        for depth in range(8):
            data = zip_of({f"{depth}a.zip": data, f"{depth}b.zip": data})
        (tmp_path / "deep.zip").write_bytes(data)
        reasons = {each.reason for each in skips(found(tmp_path / "deep.zip")).values()}
        assert reasons == {"nested_too_deep"}

    @pytest.mark.parametrize("kind", ["tar.gz", "zip"])
    def test_listing_many_members_takes_flat_memory(self, tmp_path: Path, kind: str) -> None:
        peaks = []
        for count in (2_500, 6_000):
            path = tmp_path / f"many{count}.{kind}"
            files = {f"d/{n:07}.xml": JATS for n in range(count)}
            data = zip_of(files, zipfile.ZIP_STORED) if kind == "zip" else tar_of(files)
            path.write_bytes(gzip.compress(data, 1) if kind == "tar.gz" else data)
            del files, data
            tracemalloc.start()
            assert sum(1 for _ in find_sources(str(path))) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < peaks[0] + (1 << 19)

    @pytest.mark.slow
    def test_a_hundred_thousand_members(self, tmp_path: Path) -> None:
        path = tmp_path / "many.tar"
        block = tarfile.TarInfo("x")
        block.size = len(JATS)
        with path.open("wb") as out:
            for number in range(100_000):
                block.name = f"PMC{number // 1000:04}/{number:07}.xml"
                out.write(block.tobuf(tarfile.USTAR_FORMAT) + JATS.ljust(512, b"\0"))
            out.write(bytes(1024))
        code = (
            "import resource, sys\n"
            "from domainclip.extractors.papers.sources.finding import find_sources\n"
            "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "print(sum(1 for _ in find_sources(sys.argv[1])))\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
        )
        told = subprocess.run(
            [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True
        )
        count, grown_kb = map(int, told.stdout.split())
        assert count == 100_000
        assert grown_kb < 60 << 10


class TestWhole:
    """Archives as sources."""

    @pytest.mark.parametrize("pack", ["tar", "gz", "bz2", "xz", "zip"])
    def test_each_article_of_a_bulk_archive_is_read_alone(self, tmp_path: Path, pack: str) -> None:
        files = {f"set/PMC{n}.xml": JATS + b"\n" * n for n in range(50)}
        path = tmp_path / f"bulk.{pack}"
        path.write_bytes(
            zip_of(files) if pack == "zip" else tar_of(files, "w" if pack == "tar" else f"w:{pack}")
        )
        read = read_all_mains(found(path))
        assert read == {f"bulk/{name[:-4]}": {"jats": data} for name, data in files.items()}

    def test_a_bulk_archive_is_read_without_its_copy(
        self, tmp_path: Path, _own_temporary_folder: Path
    ) -> None:
        files = {f"PMC{n}.xml": JATS + b"\n" * n for n in range(20)}
        (tmp_path / "bulk.tar.gz").write_bytes(tar_of(files, "w:gz"))
        sources = found(tmp_path / "bulk.tar.gz")
        copies = [each for each in _own_temporary_folder.rglob("*") if each.is_file()]
        assert copies  # a worker elsewhere has none
        for each in copies:
            each.unlink()
        assert len(read_all_mains(sources)) == 20

    def test_hostile_members_are_named_and_nothing_is_written(self, tmp_path: Path) -> None:
        folder = tmp_path / "in"
        folder.mkdir()
        data = tar_of(
            {
                "../outside.xml": JATS,
                "/absolute.pdf": b"%PDF-1.4",
                "good.xml": JATS,
                "also.xml": JATS,
                "bad\nname\x1b[31m.xml": JATS,
            }
        )
        (folder / "hostile.tar").write_bytes(data)
        sources = found(folder / "hostile.tar")
        assert set(read_all_mains(sources)) == {
            "hostile/good",
            "hostile/also",
            "hostile/bad\\nname\\x1b[31m",
        }
        assert {each.reason for each in skips(sources).values()} == {"refused_member"}
        assert len(skips(sources)) == 2
        assert sorted(each.name for each in tmp_path.rglob("*")) == ["hostile.tar", "in"]

    def test_the_last_of_two_members_with_one_name_counts(self, tmp_path: Path) -> None:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for data in (JATS + b"old", JATS + b"newer"):
                info = tarfile.TarInfo("a.xml")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            info = tarfile.TarInfo("A.xml")
            info.size = len(JATS)
            tar.addfile(info, io.BytesIO(JATS))
        (tmp_path / "twice.tar").write_bytes(out.getvalue())
        read = read_all_mains(found(tmp_path / "twice.tar"))
        assert read == {
            "twice/a": {"jats": JATS + b"newer"},
            "twice/A": {"jats": JATS},  # names that differ in case differ
        }

    def test_names_in_other_encodings_are_read(self, tmp_path: Path) -> None:
        info = tarfile.TarInfo("Stra\xdfe.xml")
        info.size = len(JATS)
        with tarfile.open(
            tmp_path / "latin.tar", "w", encoding="latin-1", format=tarfile.GNU_FORMAT
        ) as tar:
            tar.addfile(info, io.BytesIO(JATS))
            info.name = "other.xml"
            tar.addfile(info, io.BytesIO(JATS))
        assert set(read_all_mains(found(tmp_path / "latin.tar"))) == {
            "latin/Stra\xdfe",
            "latin/other",
        }

    @pytest.mark.parametrize("packed", [False, True])
    def test_a_cut_archive_gives_its_members_and_a_reason(
        self, tmp_path: Path, packed: bool
    ) -> None:
        data = tar_of({f"{n:03}.xml": JATS * 20 for n in range(100)})
        data = gzip.compress(data)[:-400] if packed else data[: len(data) // 2]
        path = tmp_path / ("cut.tar.gz" if packed else "cut.tar")
        path.write_bytes(data)
        sources = found(path)
        assert len(read_all_mains(sources)) > 10
        skip = skips(sources)["cut#damage"]
        assert (
            skip.reason == "damaged_archive" and skip.quarantine and "copied whole" in skip.detail
        )

    def test_a_cut_archive_is_the_same_in_the_next_run(
        self, tmp_path: Path, _own_temporary_folder: Path
    ) -> None:
        data = gzip.compress(tar_of({f"{n:03}.xml": JATS * 20 for n in range(100)}))[:-400]
        (tmp_path / "cut.tar.gz").write_bytes(data)
        first = found(tmp_path / "cut.tar.gz")
        assert found(tmp_path / "cut.tar.gz") == first  # from the copy
        for each in _own_temporary_folder.rglob("*"):
            if each.is_file():
                each.unlink()
        assert len(read_all_mains(first)) == len(first) - 1  # a worker elsewhere

    def test_a_listing_that_is_broken_off_leaves_no_copy(
        self, tmp_path: Path, _own_temporary_folder: Path
    ) -> None:
        files = {"../bad.pdf": b"%PDF-1.4", **{f"{n}.xml": JATS for n in range(50)}}
        (tmp_path / "bulk.tar.gz").write_bytes(tar_of(files, "w:gz"))
        sources = find_sources(str(tmp_path / "bulk.tar.gz"))
        next(sources)
        sources.close()  # type: ignore[attr-defined]
        assert not [each for each in _own_temporary_folder.rglob("*") if each.is_file()]
        assert len(found(tmp_path / "bulk.tar.gz")) == 51

    def test_a_cut_package_is_used_and_says_so(self, tmp_path: Path) -> None:
        files = {"PMC1/a.nxml": JATS, "PMC1/a.jpg": bytes(range(256)) * 400}
        data = gzip.compress(tar_of(files), 0)
        (tmp_path / "PMC1.tar.gz").write_bytes(data[:3000])
        (source,) = found(tmp_path)
        opening = open_package(source)
        assert not isinstance(opening, Skip)
        with opening as package:
            assert package.main == {"jats": "PMC1/a.nxml"}
            assert [each.reason for each in package.problems] == ["damaged_archive"]  # type: ignore[attr-defined]

    def test_members_of_an_archive_in_an_archive(self, tmp_path: Path) -> None:
        inner = {f"PMC{n}.xml": JATS + b"\n" * n for n in range(30)}
        outer = {"x/one.tar.gz": tar_of(inner, "w:gz"), "x/two.zip": zip_of(inner)}
        for pack, data in (("tar", tar_of(outer)), ("zip", zip_of(outer))):
            path = tmp_path / f"outer.{pack}"
            path.write_bytes(data)
            read = read_all_mains(found(path))
            assert len(read) == 60
            assert (
                read["outer/x/one/PMC7"] == read["outer/x/two/PMC7"] == {"jats": inner["PMC7.xml"]}
            )

    def test_sources_are_plain_values(self, tmp_path: Path) -> None:
        import json

        (tmp_path / "a.tar").write_bytes(tar_of({"a.xml": JATS, "b.xml": JATS}))
        for source in found(tmp_path / "a.tar"):
            again = Source(
                *json.loads(json.dumps([source.name, source.path])),
                tuple((key, value) for key, value in json.loads(json.dumps(source.part))),
            )
            assert read_all_mains([again]) == read_all_mains([source])


def test_ignored_files_are_counted(tmp_path: Path) -> None:
    ignored: Counter[str] = Counter()
    (tmp_path / "a.zip").write_bytes(
        zip_of({"a.xml": JATS, "b.xml": JATS, "x.csv": b"1", "__MACOSX/._a.xml": b"\0"})
    )
    assert len(list(find_sources(str(tmp_path / "a.zip"), ignored=ignored))) == 2
    assert ignored["other"] == 2


def _members(path: Path) -> Iterator[object]:
    with opened(str(path), ()) as file:
        yield from members(file, path.name)


@given(st.binary(max_size=600))
def test_no_file_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("noise") / "noise.tar.gz"
    for start in (b"", b"\x1f\x8b\x08\0", b"PK\x03\x04", b"BZh9", b"\xfd7zXZ\0"):
        path.write_bytes(start + data)
        with suppress(BadInput):
            list(_members(path))

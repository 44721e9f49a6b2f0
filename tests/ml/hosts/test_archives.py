"""Unpacking what comes over a bucket: nothing escapes, nothing fills the disk, and packing repeats itself."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.hosts.archives import BadArchive, Limits, pack, safe_path, unpack

names = st.from_regex(r"[a-zA-Z0-9_.-]{1,12}(/[a-zA-Z0-9_-]{1,12}){0,3}", fullmatch=True).filter(
    lambda name: not set(name.split("/")) & {".", ".."}
)


def archive_of(path: Path, *members: tarfile.TarInfo, content: bytes = b"x") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@settings(deadline=None)
@given(st.dictionaries(names, st.binary(max_size=200), max_size=6))
def test_packing_is_the_same_however_the_files_came(files: dict[str, bytes]) -> None:
    assert pack(files) == pack(dict(reversed(files.items())))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b/c", "b/d.txt", "e/f/g"]), st.binary(max_size=200)))
def test_what_was_packed_is_unpacked(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    root = tmp_path_factory.mktemp("packed")
    (root / "a.tar.gz").write_bytes(pack(files))
    unpack(root / "a.tar.gz", root / "into")
    assert {name: (root / "into" / name).read_bytes() for name in files} == files


@pytest.mark.parametrize(
    "evil",
    [
        member("../outside"),
        member("a/../../outside"),
        member("/absolute"),
        member("link", tarfile.SYMTYPE, "/etc/passwd"),
        member("hard", tarfile.LNKTYPE, "good"),
        member("pipe", tarfile.FIFOTYPE),
        member("device", tarfile.CHRTYPE),
        member("good"),  # twice
    ],
    ids=["above", "above-inside", "absolute", "symlink", "hardlink", "fifo", "device", "twice"],
)
def test_nothing_but_plain_files_below_the_directory(tmp_path: Path, evil: tarfile.TarInfo) -> None:
    archive = archive_of(tmp_path / "evil.tar.gz", member("good"), evil)
    with pytest.raises(BadArchive):
        unpack(archive, tmp_path / "into")
    assert {path.name for path in tmp_path.rglob("*")} <= {"evil.tar.gz", "into", "good"}


def test_a_file_behind_a_link_is_not_written_through_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    evil = archive_of(tmp_path / "e.tar.gz", member("d", tarfile.SYMTYPE, str(outside)), member("d/file"))
    with pytest.raises(BadArchive):
        unpack(evil, tmp_path / "into")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("limits", [Limits(files=2), Limits(total_bytes=10_000)], ids=["files", "bytes"])
def test_a_bomb_stops_at_its_limits(tmp_path: Path, limits: Limits) -> None:
    members = [member(f"{number}") for number in range(3)]
    bomb = archive_of(tmp_path / "bomb.tar.gz", *members, content=b"\0" * 4000)
    with pytest.raises(BadArchive, match="more than it may"):
        unpack(bomb, tmp_path / "into", limits)
    written = sum(path.stat().st_size for path in (tmp_path / "into").iterdir())
    assert written <= limits.total_bytes


@pytest.mark.parametrize("length", [0, 10, 60])
def test_what_is_no_archive_is_told(tmp_path: Path, length: int) -> None:
    (tmp_path / "cut.tar.gz").write_bytes(pack({"a": b"x" * 1000})[:length])
    with pytest.raises(BadArchive, match=r"cut.tar.gz can't be unpacked"):
        unpack(tmp_path / "cut.tar.gz", tmp_path / "into")


@settings(deadline=None)
@given(st.text(max_size=30))
def test_a_safe_path_stays_below(name: str) -> None:
    try:
        path = safe_path(name)
    except BadArchive:
        return
    assert Path("/base", path).resolve().is_relative_to("/base")

"""A folder that has a backup's name is whole; what is not is told by name."""

import json
from pathlib import Path

import pytest
from bson import ObjectId
from bson.errors import InvalidDocument

from chat.archive import MANIFEST, NotWhole, Reader, Writer

DOCUMENTS = [{"_id": ObjectId(), "text": "é" * n} for n in range(20)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "deep" / "backup"
    with Writer(made) as out:
        for document in DOCUMENTS:
            out.add("things", document)
        out.add("others", {"_id": 1})
        out.finish(release="1")
    return made


def check(folder: Path) -> Reader:
    reader = Reader(folder)
    read: list[int] = []
    reader.check(read.append)
    assert sum(read) == reader.length
    return reader


def test_what_goes_in_comes_out_in_order(folder: Path) -> None:
    reader = check(folder)
    assert list(reader.documents("things")) == DOCUMENTS
    assert list(reader.documents("nothing")) == []
    assert (reader.count(), reader.count("things"), reader.manifest["release"]) == (21, 20, "1")


def test_nobody_else_may_read_it(folder: Path) -> None:
    assert folder.stat().st_mode & 0o77 == 0
    assert (folder / "things.bson.gz").stat().st_mode & 0o77 == 0


@pytest.mark.parametrize("how", ["shorter", "longer", "other", "gone"])
def test_a_file_that_changed_is_named(folder: Path, how: str) -> None:
    file = folder / "things.bson.gz"
    content = bytearray(file.read_bytes())
    if how == "gone":
        file.unlink()
    else:
        content[len(content) // 2] ^= how == "other"
        file.write_bytes(content[:-1] if how == "shorter" else content + b"x" * (how == "longer"))
    with pytest.raises(NotWhole, match="things"):
        check(folder)


def test_one_that_failed_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidDocument), Writer(tmp_path / "backup") as out:
        out.add("things", {"_id": object()})
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_killed_is_none_and_is_begun_anew(tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    part = tmp_path / "backup.part"
    part.mkdir()
    (part / "things.bson.gz").write_bytes(b"as far as it came")
    with pytest.raises(NotWhole, match="never finished"):
        Reader(part)
    with pytest.raises(NotWhole, match="no backup"):
        Reader(folder)
    with Writer(folder) as out:
        out.finish()
    assert [each.name for each in tmp_path.iterdir()] == ["backup"]


def test_one_that_is_there_is_never_written_over(folder: Path) -> None:
    with pytest.raises(FileExistsError):
        Writer(folder)


def test_another_version_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text()) | {"parley_backup": 2}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(NotWhole, match="version 1"):
        Reader(folder)

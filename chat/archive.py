"""Owns a backup as a folder: a file of documents for each collection, and the manifest that proves
them whole.

Knows no database. Files are BSON documents one after the other, compressed; the manifest names each
file with its length, checksum and count. A folder is written beside its place, with `.part` at the
end of its name, and gets its own name when it is whole: what has that name is whole.
"""

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, cast

import bson
from bson.codec_options import CodecOptions

Document = dict[str, Any]
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
SUFFIX: Final = ".bson.gz"
PART: Final = ".part"
COMPRESSION: Final = 1
"""Of gzip: the least, which is most of what there is to win on texts and the fastest."""
CHUNK_BYTES: Final = 1 << 20
_AWARE: Final[CodecOptions[Document]] = CodecOptions(tz_aware=True)


class NotWhole(ValueError):
    """The folder is no backup, or not as it was written; the message says where."""


class Writer:
    """`with Writer(folder) as out`, `out.add(...)`, and at the end `out.finish(...)`. Without that,
    and when anything is raised, nothing is left."""

    def __init__(self, folder: Path) -> None:
        """Raises FileExistsError: there is something of this name."""
        if folder.exists():
            raise FileExistsError(f"{folder} is there already")
        self._folder = folder
        self._part = folder.with_name(folder.name + PART)
        self._files: dict[str, _File] = {}

    def __enter__(self) -> "Writer":
        if self._part.exists():  # of a backup that was killed
            shutil.rmtree(self._part)
        self._part.mkdir(mode=0o700, parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._files.values():
            file.close()
        if self._part.exists():
            shutil.rmtree(self._part)

    def add(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a document into the file of this name."""
        if name not in self._files:
            self._files[name] = _File(self._part / (name + SUFFIX))
        self._files[name].write(bson.encode(document))

    def finish(self, **told: Any) -> dict[str, Any]:
        """Write the manifest (what is `told`, and the files) and give the folder its name."""
        files = {name: file.close() for name, file in sorted(self._files.items())}
        manifest = {"parley_backup": VERSION, **told, "files": files}
        with (self._part / MANIFEST).open("w") as out:
            json.dump(manifest, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        self._part.rename(self._folder)
        _sync_folder(self._folder.parent)
        return manifest


class Reader:
    """A backup that is there. `manifest` is what its maker told."""

    def __init__(self, folder: Path) -> None:
        """Raises NotWhole: this is none, or one of another version."""
        self._folder = folder
        if folder.name.endswith(PART):
            raise NotWhole(f"{folder} was never finished")
        try:
            found = json.loads((folder / MANIFEST).read_text())
        except (OSError, ValueError):
            raise NotWhole(f"{folder} has no {MANIFEST} that can be read: no backup") from None
        if not isinstance(found, dict) or found.get("parley_backup") != VERSION:
            raise NotWhole(f"{folder} is not a backup of version {VERSION}")
        self.manifest: dict[str, Any] = found

    @property
    def names(self) -> list[str]:
        return list(self.manifest["files"])

    def count(self, *names: str) -> int:
        """Documents in these files, or in all."""
        files = self.manifest["files"]
        return sum(files[name]["documents"] for name in names or files if name in files)

    @property
    def length(self) -> int:
        """Bytes of all files."""
        return sum(file["bytes"] for file in self.manifest["files"].values())

    def check(self, read: Callable[[int], None]) -> None:
        """Read every file and compare it with the manifest; `read` is told of bytes.

        Raises:
            NotWhole: naming the first file that is not as it was written.
        """
        for name, told in self.manifest["files"].items():
            path = self._folder / (name + SUFFIX)
            digest, length = hashlib.sha256(), 0
            try:
                with path.open("rb") as file:
                    while chunk := file.read(CHUNK_BYTES):
                        digest.update(chunk)
                        length += len(chunk)
                        read(len(chunk))
            except OSError as error:
                raise NotWhole(f"{path}: {error.strerror}") from None
            if (length, digest.hexdigest()) != (told["bytes"], told["sha256"]):
                raise NotWhole(f"{path} is not as it was written")

    def documents(self, name: str) -> Iterator[Document]:
        """The documents of a file, in the order in which they were written."""
        if name in self.manifest["files"]:
            with gzip.open(self._folder / (name + SUFFIX)) as file:
                yield from bson.decode_file_iter(cast(IO[bytes], file), _AWARE)


class _File:
    """One file while it is written."""

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._raw = _Hashed(os.fdopen(handle, "wb"))
        self._packed = gzip.GzipFile(
            filename="", mode="wb", compresslevel=COMPRESSION, fileobj=cast(IO[bytes], self._raw)
        )
        self._documents = 0

    def write(self, encoded: bytes) -> None:
        self._packed.write(encoded)
        self._documents += 1

    def close(self) -> dict[str, Any]:
        """Close it (again: nothing happens); what the manifest tells of it."""
        if not self._packed.closed:
            self._packed.close()
            self._raw.close()
        return {
            "documents": self._documents,
            "bytes": self._raw.length,
            "sha256": self._raw.digest.hexdigest(),
        }


class _Hashed:
    """A file that knows what went into it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.length = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.length += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

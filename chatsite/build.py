"""Owns the name of what browsers are given: a digest of our static files.

Must not import Django: the settings ask. Files live under an address with this name in it, so they
can be kept for ever, and a new build has new addresses, modules that import each other included.
"""

import hashlib
from pathlib import Path
from typing import Final

NAME_CHARS: Final = 12


def name_of(folder: Path) -> str:
    """Twelve hexadecimal digits that stand for names and contents of all files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:NAME_CHARS]

"""Owns the synchronous way to the documents of rooms, for commands that walk through all of them.

Knows no rule. Moments come back aware, as from `chatsite.mongo`.
"""

from typing import Any

from bson.codec_options import CodecOptions
from django.db import connection
from pymongo.collection import Collection

Document = dict[str, Any]

_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)


def collection(name: str) -> Collection[Document]:
    """A collection of this installation's database."""
    connection.ensure_connection()
    wrapper: Any = connection  # Django's stubs know the SQL ones
    found: Collection[Document] = wrapper.database[name].with_options(codec_options=_AWARE)
    return found

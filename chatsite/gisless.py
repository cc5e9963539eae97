"""Owns the answer to a question that the database backend asks three times at every start.

It looks for the GDAL library, for maps, by running the system's linker under a dozen names: 0.4 s
of the 1.4 s that any command takes to begin, and Parley has no maps. `answer_no` answers as if the
search had failed, in the way in which it does fail. Must come before the backend is imported.
"""

import sys
from types import ModuleType
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured

ASKED = "django.contrib.gis.gdal.libgdal"


class _NotThere(ModuleType):
    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # those who walk through all modules ask for `__file__` and such
            raise AttributeError(name)
        raise ImproperlyConfigured("Parley does not use GDAL")


def answer_no() -> None:
    """Let every use of GDAL fail at once, as on a machine that does not have it."""
    sys.modules.setdefault(ASKED, _NotThere(ASKED))

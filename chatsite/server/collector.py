"""Owns when Python looks for garbage. Knows no object.

What is made at start (modules, settings, routes) lives as long as the process and is never looked
through again. What comes later is looked through seldom: nearly all of it goes by reference count,
and a look costs by what is alive, which is every socket. Figures are in docs/performance.md.
"""

import gc
from typing import Final

NEW_OBJECTS: Final = 5_000
"""Containers made more than freed until the young ones are looked through: some 1 MB at most. A
look costs by what is young, so ten small ones cost what a tenth as many large ones do."""
YOUNG_LOOKS: Final = 200
MIDDLE_LOOKS: Final = 50
"""Looks at the younger ones before one at the older ones."""


def settle() -> None:
    """To be called once everything is made and nobody is served yet."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, YOUNG_LOOKS, MIDDLE_LOOKS)

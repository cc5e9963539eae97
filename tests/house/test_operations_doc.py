"""docs/operations.md names every setting and every metric, with the defaults that hold."""

import ast
import re
from pathlib import Path
from typing import Final

from chatsite import env
from tests.house import tree

DOC: Final = tree.doc("docs/operations.md")
CODE: Final = re.compile(r"`([^`]+)`")
METRIC_MAKERS: Final = {
    **dict.fromkeys(("Counter", "_Labelled", "Tally"), "counter"),
    **dict.fromkeys(("Gauge", "GaugeMetricFamily"), "gauge"),
    "Distribution": "histogram",
}
COLLECTORS: Final = ("metrics/instruments.py", "metrics/collectors.py")

COMPUTED: Final = frozenset({"DATA_DIR", "REPLICA", "SECRET_KEY", "APP_ENV", "MONGODB_URL"})
"""Variables whose default is made from the place where the process runs."""


class Listening(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]  # no more is asked of it
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)


def variables() -> set[str]:
    environ = Listening()
    env.load(environ)
    return environ.asked


def settings() -> dict[str, str]:
    """Name and default of each setting in the document."""
    return {
        CODE.findall(cells[0])[0]: cells[1] for cells in tree.rows(tree.section(DOC, "Settings"))
    }


def examples() -> dict[str, str]:
    """Name and value of each line of `.env.example`."""
    return dict(re.findall(r"^#([A-Z_]+)=(.*)$", tree.doc(".env.example"), re.MULTILINE))


def test_every_variable_has_its_row_and_its_line() -> None:
    read = variables()
    assert len(read) > 15
    assert set(settings()) == read
    assert set(examples()) == read


def test_the_defaults_of_the_example_are_the_defaults(tmp_path: Path) -> None:
    bare = {"DATA_DIR": str(tmp_path)}
    defaults = env.load(bare)
    differing = {
        name: value
        for name, value in examples().items()
        if name not in COMPUTED and value and env.load({**bare, name: value}) != defaults
    }
    # Said to be console:// because that is what an empty one means.
    differing.pop("EMAIL_URL", None)
    assert not differing


def test_the_document_gives_the_defaults_of_the_example() -> None:
    documented = settings()
    differing = {
        name: documented[name]
        for name, value in examples().items()
        if name not in COMPUTED and value and documented[name] != f"`{value}`"
    }
    assert not differing


def metrics() -> dict[str, str]:
    """The names given to metric objects, literally, in our own modules -> their kinds."""
    found = {}
    for name in COLLECTORS:
        for node in ast.walk(tree.parsed(tree.ROOT / name)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in METRIC_MAKERS
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found[str(node.args[0].value)] = METRIC_MAKERS[node.func.id]
    return found


def test_every_metric_has_its_row_with_its_kind_and_a_question() -> None:
    rows = tree.rows(tree.section(DOC, "Metrics"))
    documented = {CODE.findall(name)[0]: kind for name, kind, _, _ in rows}
    made = metrics()
    assert len(made) > 25
    assert documented == made
    assert all(what and question.endswith("?") for _, _, what, question in rows)

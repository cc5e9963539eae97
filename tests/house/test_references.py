"""What documents and comments point at is there, for everybody and not on one machine only."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.house import tree

LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
CITED: Final = re.compile(r"(docs/[\w./-]+\.md)(?:,\s*((?:\"[^\"\n]+\"(?:\s+and\s+(?=\"))?)+))?")
A_PATH: Final = re.compile(
    r"`((?:accounts|benchmarks|chat|chatsite|deploy|docs|metrics|static|templates|tests)/[\w./-]*)`"
)
ELSEWHERE: Final = {
    "a path of one machine": re.compile(
        r"(?<![\w.:/-])/(?:home/\w|Users/\w|root/|work/|mnt/\w|opt/\w|tmp/\w|private/\w)"
    ),
    "a host for packages": re.compile(
        r"https?://[^\s\"'<>]*(?:/simple\b|/pypi\b|/-/|registry\.|packages\.|pythonhosted)"
        r"|--(?:extra-)?index-url|--find-links|_authToken",
        re.IGNORECASE,
    ),
    "a document that is not here": re.compile(r"\(design[,; ]|\bdesign, (?:section|promise)"),
}


def documents() -> list[Path]:
    return list(tree.files(".md"))


def written() -> list[Path]:
    """Everything that somebody wrote: no locks of packages, whose form is their makers'."""
    ours = (p for p in tree.files() if not p.name.endswith(("-lock.json", ".lockb")))
    return [path for path in ours if tree.text_of(path)]


def prose(text: str) -> str:
    """A document without its blocks of code."""
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def headings(path: Path) -> list[str]:
    return re.findall(r"^#{1,6} (.+)$", prose(tree.text_of(path)), re.MULTILINE)


def anchor(heading: str) -> str:
    """As GitHub makes them."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(path: Path) -> Iterator[str]:
    for found in LINK.finditer(prose(tree.text_of(path))):
        target = found[1] or found[2]
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        if not there.exists() or (fragment and fragment not in map(anchor, headings(there))):
            yield target


def test_there_are_documents() -> None:
    assert {tree.name_of(path) for path in documents()} >= {
        *("README.md", "CHANGELOG.md", "docs/architecture.md", "docs/protocol.md"),
        *("docs/operations.md", "docs/development.md", "docs/bots.md", "docs/adr/README.md"),
    }


def test_links_lead_somewhere() -> None:
    found = {tree.name_of(path): list(broken_links(path)) for path in documents()}
    assert {name: links for name, links in found.items() if links} == {}


def test_the_readme_leads_to_every_document_and_names_every_folder() -> None:
    text = tree.doc("README.md")
    documents_beside = sorted(path.name for path in (tree.ROOT / "docs").glob("*.md"))
    assert [name for name in documents_beside if f"](docs/{name})" not in text] == []
    folders = {
        tree.name_of(path).partition("/")[0] for path in tree.files() if path.parent != tree.ROOT
    }
    named = " ".join(cells[0] for cells in tree.rows(tree.section(text, "Where things live")))
    assert [name for name in sorted(folders) if name[0] != "." and f"`{name}/`" not in named] == []


def test_files_that_documents_name_exist() -> None:
    found = {
        tree.name_of(path): sorted(
            {name for name in A_PATH.findall(tree.text_of(path)) if not (tree.ROOT / name).exists()}
        )
        for path in documents()
        if path.name != "CHANGELOG.md"  # which tells of the past
    }
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_what_comments_cite_exists() -> None:
    missing = set()
    for path in tree.files(".py", ".js", ".css", ".html", ".toml", ".md"):
        if tree.name_of(path).startswith("tests/"):
            continue  # written beside the documents that report on them, and read with them
        for name, quoted in CITED.findall(tree.text_of(path)):
            there = tree.ROOT / name
            if not there.exists():
                missing.add(f"{tree.name_of(path)}: {name}")
                continue
            titles = [heading.lower() for heading in headings(there)]
            for section in re.findall(r"\"([^\"]+)\"", quoted):
                if not any(" ".join(section.split()).lower() in title for title in titles):
                    missing.add(f"{tree.name_of(path)}: {name}, {section}")
    assert missing == set()


def test_every_decision_is_listed() -> None:
    listed = tree.doc("docs/adr/README.md")
    assert [p.name for p in tree.files(".md", under="docs/adr") if f"({p.name})" not in listed] == [
        "README.md"
    ]


def test_every_decision_says_why_what_and_what_follows() -> None:
    parts = ("**Context.**", "**Decision.**", "**Consequences.**")
    for path in tree.files(".md", under="docs/adr"):
        if path.name != "README.md":
            text = tree.text_of(path)
            assert [text.count(part) for part in parts] == [1, 1, 1], path.name
            assert text.startswith(f"# {int(path.name[:3])}. "), path.name


def away(text: str) -> list[str]:
    return [what for what, pattern in ELSEWHERE.items() if pattern.search(text)]


def test_nothing_points_at_one_machine_or_one_registry() -> None:
    found = {tree.name_of(path): away(tree.text_of(path)) for path in written()}
    found.pop(tree.name_of(Path(__file__)))  # which shows below what is caught
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "text",
    [
        "see /home/alice/parley",
        "DATA_DIR=/tmp/parley",
        "pip install --index-url https://packages.example.org/simple django",
        "frames are bounded here (design, section 6)",
    ],
)
def test_the_rule_catches(text: str) -> None:
    assert away(text)


@pytest.mark.parametrize("text", ["/admin/", "http://127.0.0.1:8000/rooms/", "a design that holds"])
def test_the_rule_lets_through(text: str) -> None:
    assert not away(text)

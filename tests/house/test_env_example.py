"""`.env.example` names exactly what Parley reads."""

import re

from chatsite import env


def test_every_variable_is_explained_and_none_is_invented() -> None:
    source = (env.BASE_DIR / "chatsite" / "env.py").read_text()
    read = set(re.findall(r'environ(?:\.get\(|, )"([A-Z][A-Z_]+)"', source))
    example = (env.BASE_DIR / ".env.example").read_text()
    explained = set(re.findall(r"^#([A-Z][A-Z_]+)=", example, re.MULTILINE))
    assert len(read) > 15
    assert explained == read

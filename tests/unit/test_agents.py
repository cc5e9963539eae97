"""How a login is named to the person whose it is."""

import pytest

from accounts import agents

MOZILLA = "Mozilla/5.0"


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (
            f"{MOZILLA} (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            f"{MOZILLA} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        (
            f"{MOZILLA} (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/140.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            f"{MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
            "Safari on macOS",
        ),
        ("python-httpx/0.28.1", "python-httpx"),
        ("deploy bot", "deploy bot"),
        ("", "Something unnamed"),
        ("/", "Something unnamed"),
    ],
)
def test_browsers_are_named_with_their_system_and_programs_as_they_say(
    agent: str, said: str
) -> None:
    assert agents.device(agent) == said

"""What the doctor says of settings, before it asks any server."""

import socket
import threading
from pathlib import Path

import pytest

from chatsite import doctor, env, mail_server

KEY = "k" * 60


def judged(subject: str, **environ: str) -> tuple[str, str]:
    found = env.load({"SECRET_KEY": KEY, "DATA_DIR": "/nonexistent", **environ})
    findings = list(doctor.examine_settings(found, secret_key_from="SECRET_KEY"))
    [finding] = [f for f in findings if f.subject == subject]
    return finding.level, finding.text


def test_ordinary_settings_are_fine() -> None:
    found = env.load({"SECRET_KEY": KEY})
    findings = doctor.examine_settings(found, secret_key_from="x")
    assert {f.level for f in findings if f.subject != "python"} == {"ok"}


def test_a_python_that_was_not_built_to_be_quick_is_told_of() -> None:
    assert doctor.examine_python(is_quick=True).level == "ok"
    slow = doctor.examine_python(is_quick=False)
    assert (slow.level, slow.subject) == ("warn", "python")
    assert "built without optimization" in slow.text


def test_lifted_rate_limits_are_said_loudly() -> None:
    level, text = judged("rate limits", RATE_LIMITS="off")
    assert level == "warn"
    assert "RATE_LIMITS=off: NO rate limit and NO login throttle" in text


def test_a_missing_key_fails() -> None:
    assert judged("secret key", SECRET_KEY="")[0] == "fail"


def test_the_key_itself_is_not_shown() -> None:
    assert KEY not in judged("secret key")[1]


@pytest.mark.parametrize(
    ("subject", "environ", "level"),
    [
        ("debug", {"DEBUG": "on"}, "warn"),
        ("hosts", {"ALLOWED_HOSTS": "*"}, "warn"),
        ("cookies", {"PUBLIC_ORIGINS": "https://chat.example.org"}, "warn"),
        ("cookies", {"PUBLIC_ORIGINS": "http://chat.example.org", "SECURE_COOKIES": "on"}, "fail"),
        ("cookies", {"PUBLIC_ORIGINS": "https://chat.example.org", "SECURE_COOKIES": "on"}, "ok"),
        ("registration", {"REGISTRATION": "off"}, "ok"),
        ("proxies", {"TRUSTED_PROXIES": "10.0.0.1"}, "ok"),
        ("metrics", {"METRICS_TOKEN": "t"}, "ok"),
    ],
)
def test_each_setting_is_judged(subject: str, environ: dict[str, str], level: str) -> None:
    assert judged(subject, **environ)[0] == level


def test_a_folder_is_judged_by_what_it_can_take(tmp_path: Path) -> None:
    assert doctor.examine_folder(tmp_path).subject == "data folder"
    assert doctor.examine_folder(tmp_path / "none").level == "warn"


def test_a_full_disk_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISK_FREE_LOW_MB", 2**40)
    assert doctor.examine_folder(tmp_path).level == "warn"


def test_urls_are_shown_without_what_is_secret() -> None:
    assert doctor.shown("mongodb://u:p@h:1/db?authSource=x") == "mongodb://h:1/db"


def test_mail_that_goes_to_the_log_is_told_of() -> None:
    assert doctor.examine_mail(mail_server.parse("console://"), sender="parley@x").level == "warn"


def test_a_mail_server_is_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        answered = threading.Thread(target=answer_as_mail_server, args=(listening,))
        answered.start()
        found = doctor.examine_mail(
            mail_server.parse(f"smtp://127.0.0.1:{port}"), sender="parley@example.org"
        )
        answered.join()
    gone = doctor.examine_mail(mail_server.parse(f"smtp://127.0.0.1:{port}"), sender="x")

    assert (found.level, found.text) == ("ok", f"127.0.0.1:{port} as parley@example.org")
    assert gone.level == "warn"
    assert f"127.0.0.1:{port} does not let us in" in gone.text


def answer_as_mail_server(listening: socket.socket) -> None:
    peer, _ = listening.accept()
    with peer, peer.makefile("rwb", buffering=0) as lines:
        lines.write(b"220 mail.example.org\r\n")
        for line in lines:
            lines.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 yes\r\n")

"""`docker-compose.yml` and what it mounts: valid, whole, pinned, closed, and with secrets for all.

There is no container engine in the tests: what each file says to its program is tried elsewhere.
"""

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatsite import env
from tests.house import tree

ROOT = env.BASE_DIR
COMPOSE = (ROOT / "docker-compose.yml", *sorted((ROOT / "deploy" / "cluster").glob("*.yml")))
PUBLISHED = {"nginx", "grafana"}
OF_THE_HOST = {"/var/run/docker.sock"}
MADE_BY_ENV = ROOT / "deploy" / "secrets"
ASKED = re.compile(r"\$\{([A-Z_0-9]+)(:[?-][^}]*)?\}")
PINNED = re.compile(r"[a-z/]+:v?\d+\.\d+\.\d+(-[a-z]+)?")

every_file = pytest.mark.parametrize("file", COMPOSE, ids=lambda file: str(file.relative_to(ROOT)))


def services(file: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text())["services"]
    return found


@every_file
def test_it_is_what_the_compose_specification_allows(file: Path) -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [tool, "--builtin-schema", "vendor.compose-spec", file],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@every_file
def test_every_file_that_it_mounts_is_there(file: Path) -> None:
    whole = yaml.safe_load(file.read_text())
    mounted = [
        volume.split(":")[0]
        for service in whole["services"].values()
        for volume in service.get("volumes", ())
        if volume.startswith((".", "/"))
    ]
    mounted += [secret["file"] for secret in whole.get("secrets", {}).values()]
    assert mounted
    for path in set(mounted) - OF_THE_HOST:
        found = (file.parent / path).resolve()
        assert found.exists() or found.is_relative_to(MADE_BY_ENV), path


@every_file
def test_volumes_networks_and_secrets_are_declared_and_used(file: Path) -> None:
    whole = yaml.safe_load(file.read_text())
    for kind in ("volumes", "networks", "secrets"):
        used = {
            str(name).split(":")[0]
            for service in whole["services"].values()
            for name in service.get(kind, ())
            if not str(name).startswith((".", "/"))
        }
        assert used == set(whole.get(kind, {})), kind


@every_file
def test_only_the_ways_in_are_published(file: Path) -> None:
    assert {name for name, each in services(file).items() if "ports" in each} <= PUBLISHED


@every_file
def test_every_service_is_bounded_and_may_do_little(file: Path) -> None:
    for name, each in services(file).items():
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert each["logging"]["options"]["max-size"], name
        assert "privileged" not in each, name
        if each["restart"] == "unless-stopped":  # the others do one thing and end
            assert each["deploy"]["resources"]["limits"]["memory"], name
        assert each["image"] == "parley" or PINNED.fullmatch(each["image"]), each["image"]


@every_file
def test_nobody_waits_for_luck(file: Path) -> None:
    """Who needs another waits until that one is healthy, and that one can say so."""
    found = services(file)
    for name, each in found.items():
        needed = each.get("depends_on", {})
        conditions = needed if isinstance(needed, dict) else {}
        for other, how in conditions.items():
            if how["condition"] == "service_healthy":
                in_image = found[other]["image"] == "parley"  # its Dockerfile has one
                assert in_image or "healthcheck" in found[other], (name, other)


def test_replicas_may_write_nowhere_and_run_as_nobody() -> None:
    web = services(COMPOSE[0])["web"]
    assert web["read_only"]
    assert web["cap_drop"] == ["ALL"]
    assert "cap_add" not in web
    assert re.search(r"^USER (?!root)\w+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_every_variable_is_explained() -> None:
    """In `.env.example` what Parley itself reads, in docs/deployment.md the rest."""
    explained = set(re.findall(r"^#([A-Z_]+)=", tree.doc(".env.example"), re.MULTILINE))
    rows = tree.rows(tree.section(tree.doc("docs/deployment.md"), "Settings of the Compose file"))
    assert {name for name, _ in ASKED.findall(COMPOSE[0].read_text())} - explained == {
        row[0].strip("`") for row in rows
    }


# --- make env ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "env.sh", tmp_path / "deploy")
    return tmp_path


def make_env(folder: Path) -> str:
    done = subprocess.run(
        ["sh", "deploy/env.sh"], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout + done.stderr


def made(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_make_env_makes_every_secret_that_is_asked_for(folder: Path) -> None:
    said = make_env(folder)
    secrets = made(folder)
    asked = {
        name
        for file in COMPOSE
        for name, default in ASKED.findall(file.read_text())
        if not default.startswith(":-")
    }
    assert asked == set(secrets)
    assert len(set(secrets.values())) == len(secrets)
    assert all(len(value) == 64 and value not in said for value in secrets.values())


def test_only_its_owner_may_read_them(folder: Path) -> None:
    make_env(folder)
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "deploy" / "secrets").stat().st_mode) == 0o700


def test_made_again_nothing_changes(folder: Path) -> None:
    make_env(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert make_env(folder) == ""
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_what_is_missing_is_added_to_what_is_there(folder: Path) -> None:
    (folder / ".env").write_text("# mine\nREDIS_PASSWORD=kept\nSECRET_KEY=\nLOG_LEVEL=DEBUG")
    make_env(folder)
    secrets = made(folder)
    assert secrets["REDIS_PASSWORD"] == "kept"
    assert secrets["LOG_LEVEL"] == "DEBUG"
    assert len(secrets["SECRET_KEY"]) == 64
    token = (folder / "deploy" / "secrets" / "metrics_token").read_text()
    assert token == secrets["METRICS_TOKEN"]


def test_the_key_of_the_replica_set_is_one_that_mongodb_takes(folder: Path) -> None:
    make_env(folder)
    key = (folder / "deploy" / "secrets" / "mongo_keyfile").read_text()
    assert re.fullmatch(r"[A-Za-z0-9+/=]{6,1024}", key)

"""`docker-compose.yml` and what it mounts: valid, whole, pinned, closed, and with secrets for all.

There is no container engine in the tests: what each file says to its program is tried elsewhere.
"""

import graphlib
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from chatsite import env
from tests.house import tree

ROOT = env.BASE_DIR
MAIN = ROOT / "docker-compose.yml"
OVERLAYS = sorted([*ROOT.glob("deploy/cluster/*.yml"), *ROOT.glob("deploy/compose/*.yml")])
FILES = [MAIN, *OVERLAYS]
INSTALLATIONS = {
    "main": [MAIN],
    **{overlay.stem: [MAIN, overlay] for overlay in OVERLAYS},
    "sharded, nodes, tls": [
        MAIN,
        *(each for each in OVERLAYS if each.stem in ("sharded", "redis-nodes", "tls")),
    ],
}
"""What people start: the main file, with one overlay, with some that go together."""
PUBLISHED = {"nginx", "grafana"}
OF_THE_HOST = {"/var/run/docker.sock"}
MADE_BY_PEOPLE = ROOT / "deploy" / "secrets"
ASKED = re.compile(r"\$\{([A-Z_0-9]+)(:[?+-][^}]*)?\}")
PINNED = re.compile(r"[a-z/]+:v?\d+\.\d+\.\d+(-[a-z]+)?")

REPLACED = {"command", "entrypoint", "test"}
"""Lists of which the last file has the say."""

Document = dict[str, Any]
every_installation = pytest.mark.parametrize(
    "whole", [pytest.param(files, id=name) for name, files in INSTALLATIONS.items()], indirect=True
)


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> Document:
    """One file from several, as Compose merges them."""
    found: Document = {}
    for file in request.param:
        found = merged(found, yaml.safe_load(file.read_text()))
    return found


def merged(below: Any, above: Any, *, name: str = "") -> Any:
    """The specification's rules, as far as these files need them: what is a mapping is merged,
    what is run is replaced, volumes are one for each place, other lists are joined."""
    if isinstance(below, dict) and isinstance(above, dict):
        both = {
            key: merged(below[key], above[key], name=key) if key in below else above[key]
            for key in above
        }
        return {**below, **both}
    if isinstance(below, list) and isinstance(above, list) and name not in REPLACED:
        if name == "volumes":
            by_place = {volume.split(":")[1]: volume for volume in [*below, *above]}
            return list(by_place.values())
        return list(dict.fromkeys([*below, *above]))
    return above


def test_they_are_what_the_compose_specification_allows() -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [tool, "--builtin-schema", "vendor.compose-spec", *FILES],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def with_defaults(text: str) -> str:
    return ASKED.sub(lambda asked: asked.group(2)[2:] if asked.group(2) else "", text)


@every_installation
def test_every_file_that_it_mounts_is_there(whole: Document) -> None:
    mounted = [
        with_defaults(volume).split(":")[0]
        for service in whole["services"].values()
        for volume in service.get("volumes", ())
        if volume.startswith((".", "/"))
    ]
    mounted += [secret["file"] for secret in whole.get("secrets", {}).values()]
    assert mounted
    for path in set(mounted) - OF_THE_HOST:
        found = (ROOT / path).resolve()  # Compose takes paths from the first file's folder
        assert found.exists() or found.is_relative_to(MADE_BY_PEOPLE), path


@every_installation
def test_volumes_networks_and_secrets_are_declared_and_used(whole: Document) -> None:
    for kind in ("volumes", "networks", "secrets"):
        used = {
            str(name).split(":")[0]
            for service in whole["services"].values()
            for name in service.get(kind, ())
            if not str(name).startswith((".", "/"))
        }
        assert used == set(whole.get(kind, {})), kind


@every_installation
def test_only_the_ways_in_are_published(whole: Document) -> None:
    services = whole["services"]
    assert {name for name, each in services.items() if "ports" in each} == PUBLISHED
    assert not [name for name, each in services.items() if each.get("network_mode") == "host"]


@every_installation
def test_every_service_is_bounded_and_may_do_little(whole: Document) -> None:
    for name, each in whole["services"].items():
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert each["logging"]["options"]["max-size"], name
        assert "privileged" not in each, name
        if each["restart"] == "unless-stopped":  # the others do one thing and end
            assert each["deploy"]["resources"]["limits"]["memory"], name
        assert each["image"] == "parley" or PINNED.fullmatch(each["image"]), each["image"]


@every_installation
def test_a_service_starts_once_those_it_needs_are_healthy_or_done(whole: Document) -> None:
    """And those can say so, and nobody waits in a circle."""
    services = whole["services"]
    needs: dict[str, set[str]] = {}
    for name, each in services.items():
        needed = each.get("depends_on", {})
        needs[name] = set(needed)
        for other, how in needed.items() if isinstance(needed, dict) else ():
            if not how.get("required", True):
                assert how["condition"] == "service_started", (name, other)  # serves without it
            elif how["condition"] == "service_healthy":
                in_image = services[other]["image"] == "parley"  # its Dockerfile has one
                assert in_image or "healthcheck" in services[other], (name, other)
            else:
                assert how["condition"] == "service_completed_successfully", (name, other)
                assert services[other]["restart"].startswith("on-failure"), (name, other)
    graphlib.TopologicalSorter(needs).prepare()


@every_installation
def test_replicas_and_what_prepares_for_them_use_the_same_services(whole: Document) -> None:
    services = whole["services"]
    hosts = set(services) | {"parley"}  # of Sentinel, the name of the master
    for name in ("web", "prepare"):
        for variable in ("MONGODB_URL", "REDIS_URL", "REDIS_SENTINELS"):
            value = services[name]["environment"].get(variable, "")
            assert value == services["web"]["environment"].get(variable, "")
            urls = ASKED.sub("x", value).split(",")
            assert {urlsplit(url).hostname for url in urls if url} <= hosts, (name, variable)


def test_overlays_are_merged_as_the_specification_says() -> None:
    below = {"a": {"command": ["x"], "volumes": ["./one:/at:ro"], "environment": {"K": 1, "L": 2}}}
    above = {"a": {"command": ["y"], "volumes": ["./two:/at"], "environment": {"K": 3}}, "b": {}}
    assert merged(below, above) == {
        "a": {"command": ["y"], "volumes": ["./two:/at"], "environment": {"K": 3, "L": 2}},
        "b": {},
    }


def test_replicas_may_write_nowhere_and_run_as_nobody() -> None:
    web = yaml.safe_load(MAIN.read_text())["services"]["web"]
    assert web["read_only"]
    assert web["cap_drop"] == ["ALL"]
    assert "cap_add" not in web
    assert re.search(r"^USER (?!root)\w+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_every_variable_is_explained() -> None:
    """In `.env.example` what Parley itself reads, in docs/deployment.md the rest."""
    explained = set(re.findall(r"^#([A-Z_]+)=", tree.doc(".env.example"), re.MULTILINE))
    rows = tree.rows(tree.section(tree.doc("docs/deployment.md"), "Settings of the Compose file"))
    asked = {name for file in FILES for name, _ in ASKED.findall(file.read_text())}
    assert asked - explained == {row[0].strip("`") for row in rows}


OTHERWISE = {
    "DATA_DIR",  # replicas write nothing
    "DEBUG",
    "MONGODB_URL",  # the installation's own servers
    "MONGODB_NAME",
    "RATE_LIMITS",  # for load tests only
    "REDIS_SENTINELS",  # an overlay's
    "REDIS_URL",
    "LOKI_URL",
    "REPLICA",  # the container's name
    "TRUSTED_PROXIES",  # FRONT_SUBNET
}
"""What is set in the file itself, or is not for an installation."""


def test_what_is_set_in_the_env_file_reaches_the_replicas() -> None:
    explained = set(re.findall(r"^#([A-Z_]+)=", tree.doc(".env.example"), re.MULTILINE))
    environment = yaml.safe_load(MAIN.read_text())["services"]["web"]["environment"]
    passed = {name for name, value in environment.items() if f"${{{name}" in value}
    assert explained - OTHERWISE <= passed
    assert not passed & OTHERWISE


def test_every_overlay_is_documented() -> None:
    text = tree.doc("docs/deployment.md")
    assert len(OVERLAYS) >= 3
    for overlay in OVERLAYS:
        path = overlay.relative_to(ROOT)
        assert f"docker compose -f docker-compose.yml -f {path} up" in text, path
        assert f"-f {path} up" in overlay.read_text(), path


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
        for file in FILES
        for name, default in ASKED.findall(file.read_text())
        if not default.startswith((":-", ":+"))
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

"""Owns the examination behind `manage.py doctor`: each setting and connection, judged.

Must not change anything: the one write it tries is in a transaction that it aborts. A finding is
one line; a bad one says what to do.
"""

import http.client
import os
import shutil
import smtplib
import socket
import ssl
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import pymongo
import redis
from pymongo.errors import PyMongoError

from chatsite import embedded, interpreter, mail_server, redis_nodes
from chatsite.env import Env
from chatsite.supervisor import DEFAULT_PORT

CONNECT_TIMEOUT_S = 3.0
DISK_FREE_LOW_MB = 1024
MONGODB_LEAST = (7, 0)
REDIS_LEAST = (7, 0)

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: how it is, with what, and what to do about it."""

    level: Level
    subject: str
    text: str


def examine(env: Env, *, secret_key_from: str) -> Iterator[Finding]:
    """Everything, the cheap things first. `secret_key_from` says where the key was found."""
    yield from examine_settings(env, secret_key_from=secret_key_from)
    yield examine_folder(env.data_dir)
    yield from examine_database(env)
    for url in env.redis_urls:
        yield examine_redis(url, sentinels=env.redis_sentinels)
    yield from examine_replicas(env)
    yield examine_mail(mail_server.parse(env.email_url), sender=env.email_from)
    if env.loki_url:
        yield examine_loki(env.loki_url)


def examine_settings(env: Env, *, secret_key_from: str) -> Iterator[Finding]:
    """What can be judged from the values alone."""
    yield examine_python(is_quick=interpreter.this_is_quick())
    if not env.secret_key:
        yield Finding("fail", "secret key", "none: set SECRET_KEY, or start with `manage.py up`")
    else:
        yield Finding(
            "ok", "secret key", f"{len(env.secret_key)} characters from {secret_key_from}"
        )
    if env.debug:
        yield Finding("warn", "debug", "DEBUG=on shows source code to visitors: turn it off")
    else:
        yield Finding("ok", "debug", "off")
    if env.rate_limits:
        yield Finding("ok", "rate limits", "on")
    else:
        yield Finding(
            "warn",
            "rate limits",
            "RATE_LIMITS=off: NO rate limit and NO login throttle is in force. "
            "For load tests only; take it out of the environment",
        )
    if env.registration:
        said = "anybody may make an account (REGISTRATION=off: administrators only)"
        yield Finding("ok", "registration", said)
    else:
        yield Finding("ok", "registration", "administrators make accounts, at /admin/")
    if "*" in env.allowed_hosts:
        yield Finding("warn", "hosts", "ALLOWED_HOSTS=* believes any Host header: name your hosts")
    else:
        yield Finding("ok", "hosts", ", ".join(env.allowed_hosts))
    yield from _examine_origins(env)
    yield from _examine_proxies(env)
    yield Finding("ok", "tokens", f"access {env.access_token_s} s, refresh {env.refresh_token_s} s")
    if env.metrics_token:
        yield Finding("ok", "metrics", "/metrics for this machine and for bearers of METRICS_TOKEN")
    else:
        yield Finding("ok", "metrics", "/metrics for this machine only (METRICS_TOKEN opens it)")


def examine_python(*, is_quick: bool) -> Finding:
    """Which Python this is, and whether another build of it would be quicker."""
    version = ".".join(map(str, sys.version_info[:3]))
    if is_quick:
        return Finding("ok", "python", version)
    said = "built without optimization: one of a distribution or of python.org needs less processor"
    return Finding("warn", "python", f"{version}, {said}")


def examine_folder(data_dir: Path) -> Finding:
    """Whether the data folder can take more data."""
    if not data_dir.is_dir():
        return Finding("warn", "data folder", f"{data_dir} is not there: `manage.py up` makes it")
    if not os.access(data_dir, os.W_OK | os.X_OK):
        return Finding("fail", "data folder", f"{data_dir} cannot be written to: change its owner")
    free_mb = shutil.disk_usage(data_dir).free // 2**20
    if free_mb < DISK_FREE_LOW_MB:
        return Finding("warn", "data folder", f"{data_dir}: only {free_mb} MiB free on its disk")
    return Finding("ok", "data folder", f"{data_dir}, {free_mb:,} MiB free")


def examine_database(env: Env) -> Iterator[Finding]:
    """Whether the database answers, is new enough and can do what Parley asks of it."""
    where = shown(env.mongodb_url)
    client: pymongo.MongoClient[dict[str, Any]]
    try:
        client = pymongo.MongoClient(
            env.mongodb_url, serverSelectionTimeoutMS=int(CONNECT_TIMEOUT_S * 1000)
        )
    except PyMongoError as error:
        yield Finding("fail", "database", f"MONGODB_URL cannot be used: {error}")
        return
    with client:
        try:
            server = client.server_info()
            hello = client.admin.command("hello")
        except PyMongoError as error:
            yield Finding(
                "fail", "database", f"{where} does not answer ({_first_line(error)}): {_START}"
            )
            return
        yield _judge_database(server, where=where, name=env.mongodb_name)
        if not (hello.get("setName") or hello.get("msg") == "isdbgrid"):
            yield Finding(
                "fail",
                "transactions",
                "a standalone server has none: make it a replica set of one (rs.initiate())",
            )
            return
        yield _try_transaction(client, env.mongodb_name)
        yield _examine_migrations()


def examine_redis(url: str, *, sentinels: Sequence[str] = ()) -> Finding:
    """Whether a node of Redis answers and is new enough. Without Redis Parley runs, degraded."""
    where = shown(url) + (f" (by {len(sentinels)} Sentinels)" if sentinels else "")
    waits = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_timeout": CONNECT_TIMEOUT_S}
    try:
        with redis_nodes.synchronous(redis.Redis, url, sentinels, **waits) as client:
            found: Any = client.info("server")
    except (redis.RedisError, OSError, ValueError) as error:
        return Finding(
            "warn",
            "redis",
            f"{where} does not answer ({_first_line(error)}): events between replicas come late. "
            f"{_START_REDIS}",
        )
    version = str(found.get("valkey_version") or found["redis_version"])
    name = "Valkey" if "valkey_version" in found else "Redis"
    if _numbers(found["redis_version"]) < REDIS_LEAST:
        return Finding("warn", "redis", f"{name} {version} at {where} is old: use 7 or newer")
    return Finding("ok", "redis", f"{name} {version} at {where}")


def examine_replicas(env: Env) -> Iterator[Finding]:
    """What `manage.py up` says it runs, asked; or whether its port is free."""
    if not env.running_replicas:
        yield Finding("ok", "replicas", f"`manage.py up` does not run on {env.data_dir}")
        if not embedded.port_is_free(embedded.HOST, DEFAULT_PORT):
            yield Finding(
                "warn", "port", f"{DEFAULT_PORT} is taken: `manage.py up` needs --port with another"
            )
    for url in env.running_replicas:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=CONNECT_TIMEOUT_S
        )
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            body = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            yield Finding("fail", "replica", f"{url} does not answer ({_first_line(error)})")
            continue
        finally:
            connection.close()
        level: Level = "ok" if answer.status == 200 and '"degraded"' not in body else "warn"
        yield Finding(level, "replica", f"{url} says {body}")


def examine_mail(server: mail_server.MailServer | None, *, sender: str) -> Finding:
    """Whether the server of `EMAIL_URL` lets us in. Nothing is sent."""
    if server is None:
        return Finding(
            "warn", "mail", "goes to the log: set EMAIL_URL so that people can reset passwords"
        )
    where = f"{server.host}:{server.port}"
    kind = smtplib.SMTP_SSL if server.tls else smtplib.SMTP
    try:
        with kind(server.host, server.port, timeout=CONNECT_TIMEOUT_S) as smtp:
            if server.starttls:
                smtp.starttls(context=ssl.create_default_context())
            if server.user:
                smtp.login(server.user, server.password)
    except (smtplib.SMTPException, OSError) as error:
        return Finding("warn", "mail", f"{where} does not let us in ({_first_line(error)})")
    return Finding("ok", "mail", f"{where} as {sender}")


def examine_loki(url: str) -> Finding:
    """Whether something listens where logs are sent. Chat goes on without."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        return Finding("warn", "loki", f"{shown(url)} does not answer ({_first_line(error)})")
    return Finding("ok", "loki", shown(url))


def shown(url: str) -> str:
    """`url` without user, password and query, for people to read."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _examine_origins(env: Env) -> Iterator[Finding]:
    if not env.public_origins:
        yield Finding(
            "ok", "origins", "sockets from pages of this same host only (PUBLIC_ORIGINS adds some)"
        )
        return
    yield Finding("ok", "origins", ", ".join(env.public_origins))
    is_https = all(origin.startswith("https://") for origin in env.public_origins)
    if is_https and not env.secure_cookies:
        yield Finding("warn", "cookies", "origins are https: set SECURE_COOKIES=on")
    elif env.secure_cookies and not is_https:
        yield Finding(
            "fail", "cookies", "SECURE_COOKIES=on, but an origin is http: no one can sign in"
        )
    else:
        yield Finding("ok", "cookies", "secure" if env.secure_cookies else "sent over http too")


def _examine_proxies(env: Env) -> Iterator[Finding]:
    if env.trusted_proxies:
        yield Finding("ok", "proxies", f"believed: {', '.join(env.trusted_proxies)}")
    else:
        yield Finding("ok", "proxies", "none believed (TRUSTED_PROXIES names them)")


def _judge_database(server: dict[str, Any], *, where: str, name: str) -> Finding:
    version = str(server["version"])
    product = f"MongoDB {version}"
    if "secantusVersion" in server:
        product = f"SecantusDB {server['secantusVersion']} (as MongoDB {version})"
    if _numbers(version) < MONGODB_LEAST:
        return Finding("fail", "database", f"{product} at {where} is too old: use 7.0 or newer")
    return Finding("ok", "database", f"{product} at {where}, database `{name}`")


def _try_transaction(client: pymongo.MongoClient[dict[str, Any]], name: str) -> Finding:
    try:
        with client.start_session() as session:
            session.start_transaction()
            client[name]["parley_doctor"].insert_one({"tried": True}, session=session)
            session.abort_transaction()
    except PyMongoError as error:
        return Finding("fail", "transactions", f"refused: {_first_line(error)}")
    return Finding("ok", "transactions", "work")


def _examine_migrations() -> Finding:
    from django.db import DatabaseError, connection
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, PyMongoError) as error:
        return Finding("fail", "migrations", f"cannot be read: {_first_line(error)}")
    if missing:
        return Finding("warn", "migrations", f"{len(missing)} to apply: run `manage.py prepare`")
    return Finding("ok", "migrations", "all applied")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _first_line(error: Exception) -> str:
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return line.split(", Timeout:")[0].split(" (configured timeouts")[0]


_START = "start `manage.py up`, or set MONGODB_URL to a server that runs"
_START_REDIS = "Start `manage.py up`, or set REDIS_URL to a server that runs"

"""How a node of Redis is reached: by its address, or by asking Sentinels for the master."""

import pytest
import redis

from chatsite import env, redis_nodes

SENTINELS = ("redis://:of-sentinels@s1:26379", "redis://s2", "redis://s3:5000")


def test_without_sentinels_the_layer_is_given_addresses() -> None:
    found = redis_nodes.layer_hosts(["redis://a/0", "redis://b/0"], (), connect_timeout_s=1.0)
    assert [each["address"] for each in found] == ["redis://a/0", "redis://b/0"]


def test_with_sentinels_the_host_is_the_name_of_a_master() -> None:
    urls = ["redis://:secret@parley/2"]
    (found,) = redis_nodes.layer_hosts(urls, SENTINELS, connect_timeout_s=1.0)
    assert found["master_name"] == "parley"
    assert found["password"] == "secret"
    assert found["db"] == 2
    assert found["sentinels"] == [("s1", 26379), ("s2", 26379), ("s3", 5000)]
    assert found["sentinel_kwargs"]["password"] == "of-sentinels"


def test_a_client_asks_the_sentinels_each_time_it_connects() -> None:
    url = "redis://:secret@parley/0"
    client = redis_nodes.synchronous(redis.Redis, url, SENTINELS, socket_timeout=1.0)
    assert isinstance(client.connection_pool, redis.sentinel.SentinelConnectionPool)
    assert client.connection_pool.service_name == "parley"
    assert client.connection_pool.connection_kwargs["password"] == "secret"


def test_tls_of_the_url_is_kept() -> None:
    (found,) = redis_nodes.layer_hosts(["rediss://parley"], SENTINELS, connect_timeout_s=1.0)
    assert found["ssl"] is True


def test_a_sentinel_that_is_no_url_is_refused() -> None:
    with pytest.raises(env.EnvError, match="REDIS_SENTINELS"):
        env.load({"REDIS_SENTINELS": "s1:26379"})

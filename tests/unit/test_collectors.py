"""What the machine says of itself."""

from pathlib import Path

from prometheus_client import CollectorRegistry

from metrics import collectors


def test_it_tells_of_processor_memory_and_disk(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    collectors.register(registry, folder=tmp_path)
    found = {family.name: family.samples[0].value for family in registry.collect()}
    assert set(found) == {"cpu_usage_percent", "memory_usage_mb", "disk_usage_percent"}
    assert 0 <= found["cpu_usage_percent"] <= 100
    assert found["memory_usage_mb"] > 10
    assert 0 < found["disk_usage_percent"] <= 100


def test_a_folder_that_is_not_there_yet_is_no_obstacle(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    collectors.register(registry, folder=tmp_path / "not" / "yet")
    assert {family.name for family in registry.collect()} >= {"disk_usage_percent"}

"""Owns what the journeys share: two real replicas for the whole run, and the cast."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests import browser
from tests.cluster import Cluster, Person


@pytest.fixture(scope="session")
async def cluster(
    running_services: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    """Two replicas on the run's database and broker; journeys that break one make their own."""
    forgiven = ("Forbidden (Permission denied)",)  # the admin's no: a warning with its trace
    async with Cluster(tmp_path_factory.mktemp("cluster"), forgiven=forgiven) as cluster:
        yield cluster


@pytest.fixture
async def alice(cluster: Cluster) -> Person:
    """Owns the rooms."""
    return await cluster.person("alice")


@pytest.fixture
async def bob(cluster: Cluster) -> Person:
    """Is a member."""
    return await cluster.person("bob")


@pytest.fixture
async def charlie(cluster: Cluster) -> Person:
    """Is a stranger."""
    return await cluster.person("charlie")


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser of the run."""
    async with browser.chromium() as found:
        yield found


@pytest.fixture
async def windows(chromium: Browser) -> AsyncIterator[browser.Windows]:
    """Opens windows in it; a page that complained fails the test."""
    opened = browser.Windows(chromium)
    yield opened
    await opened.close()
    assert opened.complaints() == []


@pytest.fixture
async def modules(chromium: Browser) -> AsyncIterator[Page]:
    """An empty page beside our scripts."""
    from django.conf import settings  # this file is loaded before Django is set up

    page = await chromium.new_page(timezone_id="UTC")
    await browser.serve_scripts(page, Path(settings.STATICFILES_DIRS[0]) / "js")
    yield page
    await page.close()

"""Owns asking axe-core what keeps people out of a page. Knows no page.

The engine comes with `axe-playwright-python`; it is put into the page past the policy, as a
debugger would.
"""

from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # has no types
from playwright.async_api import Page

GRAVE: Final = ("serious", "critical")
CONTRAST: Final[dict[str, Any]] = {"runOnly": ["color-contrast"]}
"""What depends on the colours alone."""
RUN: Final = """async (options) => {
  await Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => 0)));
  return (await axe.run(document, { resultTypes: ["violations"], ...options })).violations;
}"""


async def grave(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    """What is serious or critical on the page as it is now: the rule and the first place."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    violations = await page.evaluate(RUN, options or {})
    return [
        f"{found['id']}: {found['nodes'][0]['html']} {found['nodes'][0]['failureSummary']}"
        for found in violations
        if found["impact"] in GRAVE
    ]

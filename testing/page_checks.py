"""What everybody needs of a page: axe, widths, the keyboard; and its pictures."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from testing.browser import NARROW, focusable, too_wide, violations


def require_good(page: Page, name: str, pictures: Path | None) -> None:
    """Check a page that is shown, light, dark and narrow, and keep its pictures."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert violations(page) == []
    assert too_wide(page) == []
    require_reachable(page)
    keep(page, pictures, f"{name}-light")

    page.emulate_media(color_scheme="dark")
    assert violations(page, "color-contrast") == []
    keep(page, pictures, f"{name}-dark")

    page.emulate_media(color_scheme="light")
    page.set_viewport_size(NARROW)
    assert violations(page) == []
    assert too_wide(page) == []
    keep(page, pictures, f"{name}-narrow")


def require_reachable(page: Page) -> None:
    """Tab comes by everything that can be used, and shows where it is."""
    wanted = set(focusable(page))
    page.evaluate("document.activeElement.blur()")
    reached: set[str] = set()
    hidden = []
    # A line of output that has focus brings a button along.
    for _ in range(2 * len(wanted) + 5):
        if not wanted - reached:
            break
        page.keyboard.press("Tab")
        at, outlined = page.evaluate(
            """() => [document.activeElement.__reach ?? null,
                getComputedStyle(document.activeElement).outlineStyle !== "none"]"""
        )
        if at is None:
            continue
        reached.add(at)
        if not outlined:
            hidden.append(at)

    assert set() == wanted - reached
    assert hidden == []


def keep(page: Page, pictures: Path | None, name: str) -> None:
    """Write a picture of a page into the folder of pictures, if there is one."""
    if pictures is None:
        return
    page.evaluate("window.scrollTo(0, 0); document.activeElement.blur()")
    page.screenshot(
        path=pictures / f"{name}.png", animations="disabled", full_page=True,
        clip=_top(page),
    )  # fmt: skip


def _top(page: Page) -> Any:
    """Of a long page, the part that a person looks at first."""
    size = page.viewport_size
    assert size is not None
    height = page.evaluate("document.documentElement.scrollHeight")
    limit = 1100 if size["width"] > 500 else 1500
    return {"x": 0, "y": 0, "width": size["width"], "height": min(height, limit)}

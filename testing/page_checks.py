"""What everybody needs of a page: axe, widths, the keyboard; and its pictures."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from testing.browser import NARROW, focusable, too_wide, violations

#: Notes what gets the focus, and whether it has an outline then. One question about
#: many keys is much faster than one about each.
_NOTE_FOCUS = """() => {
    document.activeElement.blur();
    window.__reached = {};
    window.__noteFocus ??= document.addEventListener("focusin", ({target}) => {
        if (target.__reach === undefined) return;
        const outlined = getComputedStyle(target).outlineStyle !== "none";
        window.__reached[target.__reach] = outlined;
    }) ?? true;
}"""


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
    page.evaluate(_NOTE_FOCUS)
    reached: dict[str, bool] = {}
    # A line of output that has focus brings a button along.
    left = 2 * len(wanted) + 5
    while left > 0 and wanted - reached.keys():
        presses = min(left, len(wanted - reached.keys()))
        for _ in range(presses):
            page.keyboard.press("Tab")
        left -= presses
        reached = page.evaluate("window.__reached")

    assert set() == wanted - reached.keys()
    assert [name for name, outlined in reached.items() if not outlined] == []


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

"""A browser, and what a person does and sees in it."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from testing.paths import ROOT
from testing.waiting import PATIENCE

PASSWORD = "correct horse battery"
#: Milliseconds until something has come to be on a page.
SOON = 1000 * PATIENCE
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
#: Windows: a laptop's, and that of a small phone.
WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 360, "height": 740}
#: What judges whether everybody can use a page; `tools/build-frontend` fetches it.
_AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
#: The rules of WCAG 2.2 AA, and axe's own advice.
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def chromium_program() -> str:
    """The Chromium of this machine.

    The headless shell is preferred: it is the same engine without the windows of a
    browser, and opens a page in a quarter of the processor time.
    """
    names = ("chromium-headless-shell", "chromium", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    assert program, "no Chromium is here; tools/prepare-tests installs it"
    return program


@contextmanager
def chromium() -> Iterator[Browser]:
    """A started Chromium."""
    expect.set_options(timeout=SOON)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium_program(), args=list(_FLAGS)
        )
        yield launched
        launched.close()


@contextmanager
def visit(browser: Browser, url: str, **look: Any) -> Iterator[Page]:
    """A page of a new visitor, on which no script may fail."""
    context = browser.new_context(base_url=url, **look)
    failures: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: failures.append(str(error)))
    opened.set_default_timeout(SOON)
    yield opened
    context.close()
    assert failures == []


def log_in(page: Page) -> None:
    """Fill in the login page that is open, and wait for the page behind it.

    A click doesn't always wait for the page to which it leads.
    """
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: not urlsplit(url).path.startswith("/login"))


def deployment_on(page: Page) -> int:
    """Wait for the page of a deployment, and return the number in its address."""
    page.wait_for_url(re.compile(r"/deployments/\d+$"))
    return int(page.url.rpartition("/")[2])


def violations(page: Page, *only: str) -> list[Any]:
    """What axe finds fault with: rule and elements; of some rules only, if named."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.read_text())
    found: list[Any] = page.evaluate(
        """async ([only, tags]) => {
            // In a region that scrolls, what is half hidden now is whole elsewhere.
            const whole = (e) => {
                const {width, height} = e.getBoundingClientRect();
                return e.closest("[role=region][tabindex]") && width >= 24
                       && height >= 24;
            };
            const found = await axe.run({
                elementRef: true,
                runOnly: only.length ? {type: "rule", values: only}
                                     : {type: "tag", values: tags}});
            return found.violations
                .map(({id, nodes}) => [id, nodes
                    // What a live page has dropped meanwhile has no size any more.
                    .filter((n) => n.element.isConnected)
                    .filter((n) => id !== "target-size" || !whole(n.element))
                    .map((n) => n.html.slice(0, 200))])
                .filter(([, nodes]) => nodes.length);
        }""",
        [only, _TAGS],
    )
    return found


def too_wide(page: Page) -> list[str]:
    """What reaches beyond its window, but for what is held by a place of its own."""
    found: list[str] = page.evaluate(
        """() => {
            const {clientWidth, scrollWidth} = document.documentElement;
            const held = (e) => e.matches("main, body") ? false
                : getComputedStyle(e).overflowX !== "visible" || held(e.parentElement);
            const wide = [...document.querySelectorAll("body *")].filter((e) => {
                const box = e.getBoundingClientRect();
                return box.width > 0 && box.right > clientWidth + 1
                       && !e.matches(".skip-link") && !held(e.parentElement);
            }).map((e) => e.outerHTML.slice(0, 200));
            return scrollWidth > clientWidth ? ["the document", ...wide] : wide;
        }"""
    )
    return found


def focusable(page: Page) -> Sequence[str]:
    """What can be reached by Tab, as the document has it; the first 200 of them.

    Of radio buttons, Tab comes by the one that is chosen; arrows lead to the others.
    """
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll(
              "a[href], button, input, select, textarea, summary, [tabindex='0']")]
            .filter((e) => e.checkVisibility({visibilityProperty: true}) &&
                           !e.disabled && e.type !== "hidden" && e.tabIndex >= 0 &&
                           (e.type !== "radio" || e.checked))
            .slice(0, 200).map((e, i) => (e.__reach = String(i)))"""
    )
    return found

"""What a run says may be anything; on a page it is text, and stays in its place."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from testing.browser import NARROW, WIDE, log_in, too_wide, violations, visit
from testing.factories import make_runner_line
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import make_user

_ATTACK = "document.title='hacked'"
TEXTS = {
    "script": f"<script>{_ATTACK}</script><img src=x onerror={_ATTACK}>",
    "attribute": f"\"' onmouseover={_ATTACK} x='\"><svg onload={_ATTACK}>",
    "template": "{{ 7 * 7 }} {% raw %} ${7*7} <!-- </textarea></title></style>",
    "bidi": "report \u202egnp.exe \u2066isolated\u2069 \u200fmark",
    "long": "x" * 10_000,
    "combining": "Z" + "\u0351\u036b\u0343\u0315" * 200 + "algo",
    "cursor": "safe\x1b[2J\x1b[1;1H\x1b[8mhidden\x1b[0m\x1b]0;hacked\x07\rover",
    "wide": "\u2003\u3000\ufdfd" * 40 + "𒐫" * 20,
}
#: What a person reads of them.
READABLE = {
    "script": f"<script>{_ATTACK}</script>",
    "attribute": f"<svg onload={_ATTACK}>",
    "template": "{{ 7 * 7 }} {% raw %}",
    "bidi": "report \\u202egnp.exe \\u2066isolated",
    "long": "x" * 3000,
    "combining": "algo",
    "cursor": "hidden",
    "wide": "𒐫",
}
#: Printed before and behind the combining characters: they must not be painted over.
_ABOVE, _BELOW = "the line above", "the line below"


def _script() -> str:
    """A program that says each text in every way that a run can say something."""
    lines = [_step(text[:180], "running", text) for text in TEXTS.values()]
    for text in TEXTS.values():
        data = {"play": text, "task": text, "host": text[:200], "res": {"msg": text}}
        lines.append(make_runner_line(stdout=text, event_data=data).decode())
        lines.append(text)
    lines += [_ABOVE, TEXTS["combining"], _BELOW]
    reason = TEXTS["script"] + TEXTS["bidi"] + TEXTS["long"]
    lines.append(_step("verify", "failure", reason))
    printed = "\n".join(lines)
    return (
        "#!/usr/bin/env python3\nimport sys\n"
        'sys.stdout.reconfigure(encoding="utf-8")\n'
        f"print({printed!r})\nsys.exit(3)\n"
    )


def _step(name: str, state: str, message: str) -> str:
    return json.dumps({"name": name, "state": state, "message": message})


@pytest.fixture(scope="module")
def deployment(site: Installation) -> int:
    """A deployment that has said all of it, and failed."""
    return site.run("loud", **dict.fromkeys(TEXTS, "")).id


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with a service that is hostile in all that it can say."""
    with installed(postgres, tmp_path_factory.mktemp("hostile")) as made:
        text = {"type": "string"}
        shown = {"title": TEXTS["script"], "description": TEXTS["bidi"] + TEXTS["long"]}
        made.write_service(
            "loud", _script(), description="".join(TEXTS.values())[:2000],
            steps=[{"name": TEXTS["long"][:200]}, {"name": TEXTS["bidi"]}],
            variables={"properties": dict.fromkeys(TEXTS, text | shown)},
        )  # fmt: skip
        make_user(made)
        made.worker()
        made.web()
        yield made


@pytest.fixture(scope="module")
def page(browser: Browser, site: Installation) -> Iterator[Page]:
    """A page of somebody who has logged in."""
    with visit(
        browser, site.url, permissions=["clipboard-read", "clipboard-write"]
    ) as opened:
        opened.on("dialog", lambda dialog: pytest.fail(dialog.message))
        opened.goto("/login")
        log_in(opened)
        yield opened


PATHS = {
    "overview": "/",
    "service": "/services/loud",
    "history": "/deployments",
    "deployment": "/deployments/{}",
    "results": "/deployments/{}/results",
    "search": "/deployments/{}/search?text=x",
    "artifacts": "/deployments/{}/artifacts",
    "stdout": "/deployments/{}/artifacts/stdout",
}


@pytest.mark.parametrize("name", PATHS)
def test_nothing_executes_and_nothing_breaks_the_layout(
    page: Page, deployment: int, name: str
) -> None:
    page.set_viewport_size(WIDE)
    page.goto(PATHS[name].format(deployment))
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    assert "hacked" not in page.title()
    injected = page.locator("body script, img, iframe, [onmouseover], [onload]")
    assert 0 == injected.count()
    assert [] == too_wide(page)
    assert [] == violations(page)
    page.set_viewport_size(NARROW)
    assert [] == too_wide(page)
    assert [] == violations(page)


def output(page: Page) -> Locator:
    """The lines of the output; some of them stand above it too, where it failed."""
    return page.get_by_role("region", name="Output", exact=True).locator(".line")


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_read_and_copied_as_it_was_printed(
    page: Page, deployment: int, name: str
) -> None:
    page.goto(f"/deployments/{deployment}")
    line = output(page).filter(has_text=READABLE[name]).last
    shown = line.locator("code").inner_text()
    assert READABLE[name] in shown

    line.get_by_role("link").focus()
    page.keyboard.press("Tab")
    expect(line.get_by_role("button", name="Copy this line")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator(".toast")).to_have_text("Copied.")
    assert shown == page.evaluate("navigator.clipboard.readText()")


def test_a_tower_of_marks_is_not_painted_over_its_neighbours(
    page: Page, deployment: int
) -> None:
    page.goto(f"/deployments/{deployment}")
    above = output(page).filter(has_text=_ABOVE)
    below = output(page).filter(has_text=_BELOW)
    tower = output(page).filter(has_text="algo").last
    tower.scroll_into_view_if_needed()
    with_it = [above.screenshot(), below.screenshot()]

    tower.evaluate("(line) => { line.style.visibility = 'hidden'; }")

    assert [above.screenshot(), below.screenshot()] == with_it

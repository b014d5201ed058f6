"""A person sets up a second factor in the browser, and logs in with it."""

from pathlib import Path

import pyotp
from playwright.sync_api import Browser, expect

from testing.browser import NARROW, PASSWORD, log_in, too_wide, violations, visit
from testing.installation import installed
from testing.postgres import Postgres
from testing.seeding import make_user


def test_a_login_asks_for_the_code_that_was_set_up(
    browser: Browser, postgres: Postgres, tmp_path: Path
) -> None:
    """On a small phone, without JavaScript; axe, which needs it, follows."""
    with installed(postgres, tmp_path / "fastdeploy") as made:
        make_user(made)
        made.web()
        with visit(browser, made.url, viewport=NARROW) as page:
            page.goto("/login?next=/account/second-factor")
            log_in(page)
            page.get_by_label("Present password").fill(PASSWORD)
            page.get_by_role("button", name="Set up").click()
            expect(page.get_by_role("heading", level=1)).to_have_text(
                "Set up the second factor"
            )
            assert [] == violations(page) + too_wide(page)
            secret = page.get_by_label("Secret", exact=True).input_value()
            page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
            page.get_by_role("button", name="Turn on").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
            assert [] == violations(page) + too_wide(page)
            codes = page.get_by_label("Codes").inner_text().split()

        with visit(
            browser, made.url, viewport=NARROW, java_script_enabled=False
        ) as page:
            page.goto("/login?next=/nodes")
            page.get_by_label("Name").fill("ada")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Second factor")
            page.get_by_label("Code").fill("000")
            page.get_by_role("button", name="Continue").click()
            expect(page.get_by_text("this code isn't valid")).to_be_visible()
            page.get_by_label("Code").fill(codes[0])
            page.get_by_role("button", name="Continue").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Nodes")

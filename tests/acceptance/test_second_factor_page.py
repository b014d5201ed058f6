"""A person sets up a second factor in the browser, and logs in with it.

The passkeys are those of the virtual authenticator of Chromium.
"""

from pathlib import Path

import pyotp
from playwright.sync_api import Browser, CDPSession, Page, expect

from testing.browser import NARROW, PASSWORD, log_in, too_wide, violations, visit
from testing.installation import installed
from testing.ports import free_port
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
            page.get_by_label("Present password").first.fill(PASSWORD)
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


def test_a_passkey_is_added_used_and_removed(
    browser: Browser, postgres: Postgres, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://localhost:{port}"
    with installed(postgres, tmp_path / "fastdeploy", port=port) as made:
        make_user(made)
        made.web(FASTDEPLOY_URL=url)
        with visit(browser, url, viewport=NARROW) as page:
            devtools, device = plug_in(page)
            page.goto("/login?next=/account/second-factor")
            log_in(page)
            assert [] == violations(page) + too_wide(page)
            start_adding(page)
            assert [] == violations(page) + too_wide(page)
            page.get_by_label("Name").fill("phone")
            page.get_by_role("button", name="Create the passkey").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
            code = page.get_by_label("Codes").inner_text().split()[0]
            page.get_by_role("link", name="Done").click()
            expect(page.get_by_role("row", name="phone")).to_contain_text("never")

            # The device makes one passkey for an account.
            start_adding(page)
            page.get_by_label("Name").fill("again")
            page.get_by_role("button", name="Create the passkey").click()
            expect(page.get_by_role("alert")).to_contain_text("has a passkey")

            page.context.clear_cookies()
            give_password(page)
            assert [] == violations(page) + too_wide(page)
            verify_user(devtools, device, known=False)
            page.get_by_role("button", name="Use a passkey").click()
            expect(page.get_by_role("alert")).to_contain_text("Try again")
            verify_user(devtools, device, known=True)
            page.get_by_role("button", name="Use a passkey").click()
            expect(page.get_by_role("row", name="phone")).not_to_contain_text("never")

            page.get_by_label("Present password").last.fill(PASSWORD)
            page.get_by_label("Code").fill(code)
            page.get_by_role("button", name="Remove the passkey").click()
            expect(page.get_by_text("The passkey was removed")).to_be_visible()

            page.context.clear_cookies()
            page.goto("/login?next=/nodes")
            log_in(page)
            expect(page.get_by_role("heading", level=1)).to_have_text("Nodes")


def plug_in(page: Page) -> tuple[CDPSession, str]:
    """Give the browser an authenticator; return its connection and id."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools, added["authenticatorId"]


def verify_user(devtools: CDPSession, device: str, *, known: bool) -> None:
    """Let the authenticator recognize the user, or not."""
    answer = {"authenticatorId": device, "isUserVerified": known}
    devtools.send("WebAuthn.setUserVerified", answer)


def start_adding(page: Page) -> None:
    page.locator("#passkey_current").fill(PASSWORD)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Add a passkey")


def give_password(page: Page) -> None:
    page.goto("/login?next=/account/second-factor")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Use a passkey")).to_be_visible()

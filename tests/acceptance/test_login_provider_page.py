"""A person logs in at an OpenID provider in the browser, and gets the groups' role."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from testing.browser import NARROW, too_wide, violations, visit
from testing.installation import installed
from testing.openid_provider import openid_provider
from testing.ports import free_port
from testing.postgres import Postgres
from testing.seeding import make_user


def test_a_person_logs_in_at_a_provider_with_the_role_of_a_group(
    browser: Browser, postgres: Postgres, tmp_path: Path
) -> None:
    port = free_port()
    callback = f"http://127.0.0.1:{port}/login/provider/example/callback"
    with (
        openid_provider(tmp_path, callback) as provider,
        installed(postgres, tmp_path / "fastdeploy", port=port) as made,
    ):
        provider.set_account("ada", preferred_username="ada", groups=["admins"])
        provider.set_account("eve", preferred_username="eve", groups=["guests"])
        file = tmp_path / "oidc.toml"
        file.write_text(provider.toml())
        file.chmod(0o600)
        make_user(made)
        made.web(FASTDEPLOY_OIDC_FILE=str(file))

        for subject, heading in (("ada", "Audit log"), ("eve", "Log in")):
            with visit(browser, made.url, viewport=NARROW) as page:
                page.goto("/login?next=/admin/audit")
                assert [] == violations(page) + too_wide(page)
                page.get_by_role("link", name="Log in with Example").click()
                page.get_by_placeholder("Enter any login").fill(subject)
                page.get_by_placeholder("and password").fill("any")
                page.get_by_role("button", name="Sign-in").click()
                page.get_by_role("button", name="Continue").click()

                expect(page.get_by_role("heading", level=1)).to_have_text(heading)
                assert [] == violations(page) + too_wide(page)

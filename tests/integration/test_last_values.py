"""The launch form has the values of a person's last launch."""

import pytest

from app.domain.access import Role
from app.settings import Settings
from app.store.store import Store
from testing.factories import (
    add_service,
    make_schema,
    make_service,
    request_deployment,
)
from testing.web_client import ClientFor, csrf_of

CANARY = "hunter2-canary"
SERVICE = make_service(
    name="shop", deploy_script=None, playbook="site.yml",
    variables=make_schema(secret="token", version={"type": "string", "default": "1.0"}),
    options=["check", "limit", "forks"],
)  # fmt: skip


@pytest.fixture
def sent(client_for: ClientFor, store: Store) -> ClientFor:
    """Somebody has launched the service with other values than the defaults."""
    add_service(store, SERVICE)
    client = client_for(Role.DEPLOYER)
    form = {
        "csrf_token": csrf_of(client, store), "var.version": "4.2",
        "var.token": CANARY, "option.limit": "web1", "option.forks": "3",
        "option.check": "true",
    }  # fmt: skip
    assert 303 == client.post("/services/shop/deploy", data=form).status_code
    return lambda _: client


def test_the_form_repeats_the_values_but_no_secret_and_no_selection(
    sent: ClientFor,
) -> None:
    """A limit that is repeated unnoticed would leave hosts out."""
    page = sent(None).get("/services/shop").text

    assert 'value="4.2"' in page
    assert 'value="3"' in page
    assert "web1" not in page.partition("<form class=")[2].partition("</form>")[0]
    assert CANARY not in page
    assert "Values of <a" in page
    assert 'href="/services/shop?values=defaults#launch">Reset' in page


def test_reset_shows_the_defaults_and_launch_again_wins(
    sent: ClientFor, store: Store, settings: Settings
) -> None:
    other = request_deployment(
        store, settings, SERVICE, given={"version": "3.0", "token": "t"}
    )

    reset = sent(None).get("/services/shop?values=defaults").text
    again = sent(None).get(f"/services/shop?again={other}").text

    assert 'value="1.0"' in reset
    assert "Values of <a" not in reset
    assert 'value="3.0"' in again
    assert "Values of <a" not in again


def test_somebody_else_has_the_defaults(sent: ClientFor, client_for: ClientFor) -> None:
    assert "Values of <a" in sent(None).get("/services/shop").text

    page = client_for(Role.ADMIN).get("/services/shop").text

    assert 'value="1.0"' in page
    assert "Values of <a" not in page


def test_the_options_that_are_rarely_set_are_shown_if_one_is_set(
    sent: ClientFor,
) -> None:
    """The last launch has set the number of forks, which isn't the default."""
    defaults = sent(None).get("/services/shop?values=defaults").text
    page = sent(None).get("/services/shop").text

    assert '<details class="launch-more">' in defaults
    assert '<details class="launch-more" open>' in page

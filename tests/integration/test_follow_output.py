"""What a terminal shows of a deployment before it has results."""

from io import StringIO

from rich.console import Console

from app.cli.follow import print_log
from app.cli.local_api import LocalApi
from app.settings import Settings
from app.store.store import Store
from testing.factories import request_deployment
from testing.installation import ACTOR


def test_the_steps_are_shown_before_the_run_has_started(
    store: Store, settings: Settings
) -> None:
    number = request_deployment(store, settings)
    out = StringIO()

    with LocalApi(settings, store, ACTOR) as api:
        print_log(api, number, Console(file=out))

    assert ["· prepare pending", "· verify pending"] == out.getvalue().splitlines()[-2:]

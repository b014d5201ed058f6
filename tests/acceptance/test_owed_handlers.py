"""Which handlers are owed after plays of many shapes, with two versions of Ansible."""

import shutil
from dataclasses import dataclass

import pytest

from app.domain.events import RunnerEvent
from app.domain.owed_handlers import changes
from app.worker.translate import translate
from testing.handler_shapes import inventory, owed, playbook
from testing.paths import NEWER_PYTHONS, ROOT
from testing.runner import Outcome, Service, short_folder

_VERSIONS = {"oldest": ">=2.19,<2.20", "newest": ">=2.20"}


@dataclass(frozen=True)
class Ended:
    """A run with what it owes, and the handlers that ran: host and name."""

    outcome: Outcome
    owed: set[tuple[str, str]]
    ran: set[tuple[str, str]]


@pytest.fixture(scope="module", params=_VERSIONS)
def ended(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Ended:
    """One run of all plays."""
    folder = tmp_path_factory.mktemp("handlers")
    with short_folder() as temp:
        service = Service(folder, temp)
        shutil.copytree(
            ROOT / "tests/data/handlers", service.folder, dirs_exist_ok=True
        )
        (service.folder / "site.yml").write_text(playbook())
        (service.folder / "hosts.json").write_text(inventory())
        version = _VERSIONS[request.param]
        defaults = {"inventory": "hosts.json"}
        service.define_project(folder / "data", ansible=version, defaults=defaults)
        outcome = service.run({"PATH": NEWER_PYTHONS})
        service.end()
        ran = (service.folder / "ran").read_text()
        assert "PLAY RECAP" in outcome.output, outcome.output
    events = [translate(line) for line in outcome.lines]
    found = changes(
        (number, event)
        for number, event in enumerate(events)
        if isinstance(event, RunnerEvent)
    )
    lines = [line.split("|", 1) for line in ran.splitlines()]
    return Ended(outcome, set(found.notified), {(host, name) for host, name in lines})


def test_exactly_the_handlers_are_owed_that_were_notified_and_did_not_run(
    ended: Ended,
) -> None:
    assert set() == owed() ^ ended.owed
    # These two plays notify the handler again after it ran.
    again = {("flushed_again1", "one"), ("role_by_name1", "web : Restart")}
    assert again == ended.owed & ended.ran
    assert {("green1", "one"), ("forced1", "one"), ("plain2", "one")} <= ended.ran

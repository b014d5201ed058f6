"""Runs that print numbered lines until they are released."""

from app.domain.deployment import Status
from app.domain.events import EventKind
from testing.installation import Installation
from testing.scripts import NUMBERED
from testing.waiting import eventually


def start_numbered(made: Installation, name: str = "numbered") -> int:
    """Launch such a run, wait for its first lines, and return the deployment's id."""
    if not (made.services / name).exists():
        made.write_service(name, NUMBERED)
    number = made.launch(name)
    grows(made, number)
    return number


def grows(made: Installation, number: int) -> None:
    """Wait until more of a run is recorded than now."""
    was = made.view(number).deployment.last_event
    eventually(lambda: made.view(number).deployment.last_event > was + 20)


def journal_grows(made: Installation, number: int) -> None:
    """Wait until a run has printed more than now, whether or not it is recorded."""
    journal = made.run_folder(number) / "journal"
    was = journal.stat().st_size
    eventually(lambda: journal.stat().st_size > was + 500)


def assert_complete(made: Installation, number: int) -> None:
    """Check that a run succeeded, and that each line is recorded once, in order."""
    ended = made.ended(number)
    assert (ended.status, ended.exit_code, ended.reason) == (Status.SUCCESSFUL, 0, "")
    found = made.events(number)
    assert list(range(1, len(found) + 1)) == [event.number for event in found]
    assert [event.kind for event in found[:2]] == [EventKind.QUEUED, EventKind.STARTED]
    assert EventKind.FINISHED is found[-1].kind
    lines = [event.text for event in found[2:-1]]
    count = int(lines[-1].removeprefix("lines: "))
    assert [f"line {n}" for n in range(1, count + 1)] == lines[:-1]
    assert (made.run_folder(number) / "journal").read_bytes() == made.output(number)
    assert list(made.config_folder.iterdir()) == []
    assert made.run_processes(number) == []

"""What a run prints, and what other callbacks record, is the same without FastDeploy.

The callbacks are those that people use: `profile_tasks` and `timer` of ansible.posix,
and ARA, which `callback_plugins` in ansible.cfg names.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from testing.runner import Service, bare, define, short_folder

#: Dates, times, durations and names of temporary files differ between two runs.
_PASSING = re.compile(
    r"\w+day \d\d \w+ \d{4} +\d\d:\d\d:\d\d [+-]\d{4}"
    r"|\d+ days, .+ seconds"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?"
    r"|\d+:\d\d:\d\d\.\d+|-* \d+\.\d\ds|\d+\.\d{3,}|\*{3,}"
)
#: What ARA records, without the names of a run.
_RECORDED = """
    SELECT p.status, p.path, t.name, t.action, h.name, r.status, r.changed
    FROM results r JOIN tasks t ON t.id = r.task_id JOIN hosts h ON h.id = r.host_id
    JOIN playbooks p ON p.id = r.playbook_id ORDER BY p.id, r.id
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with short_folder() as temp:
        made = Service(tmp_path, temp)
        yield made
        made.end()


def lines(output: str) -> list[str]:
    """The lines of an output; an event's text has no blank lines at its end."""
    return [_PASSING.sub("…", line) for line in output.split("\n") if line]


def ara_plugins() -> Path:
    return Path(str(files("ara") / "plugins" / "callback"))


def recorded(service: Service) -> list[tuple[object, ...]]:
    """What ARA recorded, in its database in the home of the run's user."""
    database = service.home / ".ara" / "server" / "ansible.sqlite"
    with closing(sqlite3.connect(database)) as db:
        return db.execute(_RECORDED).fetchall()


@pytest.mark.parametrize(("playbook", "runs"), [("timed.yml", 3), ("nested.yml", 1)])
def test_profile_tasks_and_timer_print_where_they_print_without_fastdeploy(
    service: Service, playbook: str, runs: int
) -> None:
    define(service, playbook)
    (service.folder / "ansible.cfg").write_text(
        "[defaults]\n"
        "callbacks_enabled = ansible.posix.profile_tasks, ansible.posix.timer\n"
        # By duration, the order of the summary would differ between two runs.
        "[callback_profile_tasks]\nsort_order = none\n"
    )

    expected = lines(bare(service, playbook))
    found = [lines(service.run().output) for _ in range(runs)]

    assert [line for line in expected if line.startswith("Playbook run took")]
    assert [expected] * runs == found


def test_ara_records_what_it_records_without_fastdeploy(service: Service) -> None:
    define(service, "timed.yml")
    (service.folder / "ansible.cfg").write_text(
        f"[defaults]\ncallback_plugins = {ara_plugins()}\n"
    )

    bare(service, "timed.yml")
    expected = recorded(service)
    outcome = service.run()

    assert 0 == outcome.code
    assert {"One", "Two", "Three"} == {str(row[2]) for row in expected}
    assert expected * 2 == recorded(service)

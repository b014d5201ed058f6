"""Our events are those that ansible-runner's own callback makes.

The same playbook runs twice, in the same folder and with the same home: once by
`ansible_runner.run`, once by our runner.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.runner.environment import inherit
from testing.equal_events import assert_equal, in_journal
from testing.paths import PLAYBOOKS, ROOT

PATIENCE = 150
_SCRIPT = """\
import ansible_runner, sys
private, folder, playbook = sys.argv[1:]
ansible_runner.run(private_data_dir=private, project_dir=folder, quiet=True, ident="x",
                   playbook=f"{folder}/{playbook}", inventory=f"{folder}/hosts.json")
"""


class BothRuns:
    """One folder in which a playbook is run by ansible-runner and by us."""

    def __init__(
        self,
        folder: Path,
        playbook: str,
        verbosity: int,
        data: Path | None = None,
        accelerate: str = "none",
    ) -> None:
        self._data = data or folder / "data"
        self._accelerate = accelerate
        self._folder = folder / "service"
        self._home = folder / "home"
        self._private = folder / "private"
        self._playbook = playbook
        shutil.copytree(PLAYBOOKS, self._folder)
        local = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }
        here = {"hosts": {"alpha": local, "beta": local}}
        gone = {"gone": {"ansible_connection": "nowhere"}}
        inventory = {"all": {"hosts": gone, "children": {"here": here}}}
        self._write("hosts.json", json.dumps(inventory))
        cfg = f"[defaults]\nverbosity = {verbosity}\ncheck_mode_markers = true\n"
        if verbosity > 2:
            # It prints the commands of the connection, which pipelining changes.
            cfg += "pipelining = false\n"
        self._write("ansible.cfg", cfg)
        # With the history of files, results have diffs, which ansible-runner isn't
        # asked for.
        about = {"name": "demo", "playbook": playbook, "inventory": "hosts.json",
                 "accelerate": accelerate, "file_history": False}  # fmt: skip
        self._write("config.json", json.dumps(about))

    def _write(self, name: str, content: str) -> None:
        (self._folder / name).write_text(content)

    def _run(self, *arguments: object) -> bytes:
        # Empty each time: a file that is there already changes what a task says.
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir()
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        # With the proxies and certificates with which uv installs mitogen.
        env = inherit(os.environ) | {
            "PATH": path, "HOME": str(self._home), "LANG": "C.UTF-8",
            "ANSIBLE_FORCE_COLOR": "True",
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, *map(str, arguments)], env=env, cwd=ROOT, check=False,
            stdout=subprocess.PIPE, timeout=PATIENCE,
        ).stdout  # fmt: skip

    def theirs(self) -> list[dict[str, Any]]:
        """The events of ansible-runner itself."""
        self._private.mkdir()
        self._run("-c", _SCRIPT, self._private, self._folder, self._playbook)
        files = (self._private / "artifacts" / "x" / "job_events").glob("*.json")
        events = (json.loads(file.read_text()) for file in files)
        return sorted(events, key=lambda event: int(event["counter"]))

    def ours(self, **more: str) -> list[dict[str, Any]]:
        """Our journal; a line of text is given as an event of its own."""
        config = {"deployment_id": 7, "service_name": "demo", **more}
        (self._folder / "run.json").write_text(json.dumps(config))
        journal = self._run(
            "-m", "app.runner", "--service", self._folder, "--config",
            self._folder / "run.json", "--data", self._data,
        )  # fmt: skip
        assert (b'"speed": "mitogen 0.3' in journal) is (self._accelerate == "mitogen")
        return in_journal(journal)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which mitogen is installed once."""
    return tmp_path_factory.mktemp("data")


def kinds(events: list[dict[str, Any]]) -> set[str]:
    return {event["event"] for event in events}


def assert_contiguous(events: list[dict[str, Any]]) -> None:
    """Counters, and the lines of events and text, follow one another."""
    counters = [event["counter"] for event in events if "counter" in event]
    assert list(range(1, len(counters) + 1)) == counters
    line = 0
    for event in events:
        assert line == event.get("start_line", line)
        line = event.get("end_line", line + 1)


@pytest.mark.parametrize(
    ("playbook", "verbosity", "accelerate"),
    [
        ("linear.yml", 0, "none"),
        ("linear.yml", 0, "mitogen"),
        ("free.yml", 0, "none"),
        ("free.yml", 0, "mitogen"),
        ("verbose.yml", 1, "none"),
        ("verbose.yml", 3, "none"),
    ],
    ids=["linear", "linear-mitogen", "free", "free-mitogen", "v", "vvv"],
)
def test_our_events_are_those_of_ansible_runner(
    tmp_path: Path, data: Path, playbook: str, verbosity: int, accelerate: str
) -> None:
    both = BothRuns(tmp_path, playbook, verbosity, data, accelerate)

    theirs, ours = both.theirs(), both.ours()

    assert_equal(theirs, ours)
    assert_contiguous(ours)
    starts = [e["uuid"] for e in ours if e["event"] == "playbook_on_task_start"]
    assert len(set(starts)) == len(starts)
    if playbook == "linear.yml":
        assert kinds(ours) >= {
            "playbook_on_start", "playbook_on_play_start", "playbook_on_task_start",
            "playbook_on_include", "playbook_on_notify", "playbook_on_stats",
            "playbook_on_no_hosts_matched", "playbook_on_no_hosts_remaining",
            "runner_on_start", "runner_on_ok", "runner_on_failed", "runner_on_skipped",
            "runner_on_unreachable", "runner_on_async_ok", "runner_on_file_diff",
            "runner_item_on_ok", "runner_item_on_failed", "runner_item_on_skipped",
            "runner_retry",
        }  # fmt: skip


def test_the_fallback_hands_on_what_ansible_runner_makes(tmp_path: Path) -> None:
    both = BothRuns(tmp_path, "verbose.yml", 2)

    theirs, ours, handed_on = both.theirs(), both.ours(), both.ours(events="runner")

    assert_equal(theirs, ours)
    assert_equal(theirs, handed_on)
    assert_contiguous(handed_on)
    assert len(theirs) == len(handed_on)

"""Our events are those that ansible-runner's own callback makes.

The same playbook runs twice, in the same folder and with the same home: once by
`ansible_runner.run`, once by our runner. What may differ is all in `_Reading`, each
with its reason; everything else is compared value by value: kinds, data, parents, text,
and how many lines an event displays.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from testing.paths import PLAYBOOKS, ROOT

PATIENCE = 150
_SCRIPT = """\
import ansible_runner, sys
private, folder, playbook = sys.argv[1:]
ansible_runner.run(private_data_dir=private, project_dir=folder, quiet=True, ident="x",
                   playbook=f"{folder}/{playbook}", inventory=f"{folder}/hosts.json")
"""
#: Kinds of ansible-runner's for what is displayed outside of every callback.
_OUTSIDE = {"verbose", "warning", "error", "deprecated", "system_warning", "debug"}
_OURS = {"hosts", "ends_play", "ignore_unreachable"}
_MOMENTS = {"start", "end", "duration", "delta", "created", "pid", "jid",
            "ansible_job_id", "results_file"}  # fmt: skip
#: Times, and names that differ in each run, within a text.
_PASSING = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+|\d:\d\d:\d\d\.\d+|j?\d{10,12}\.\d+"
    r"|ansible-tmp-[\d.]+-\d+-\d+|ansible-local-\w+|\btmp\w{8}\b"
)
_WARNING = re.compile(r"^\x1b\[1;35m\[WARNING\].*\n?", re.MULTILINE)
_BANNER = re.compile(r"^\n(?:TASK|RUNNING HANDLER) \[.*\] \*+\n?", re.MULTILINE)


class Both:
    """One folder in which a playbook is run by ansible-runner and by us."""

    def __init__(self, folder: Path, playbook: str, verbosity: int) -> None:
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
        self._write(
            "ansible.cfg",
            f"[defaults]\nverbosity = {verbosity}\ncheck_mode_markers = true\n",
        )
        about = {"name": "demo", "playbook": playbook, "inventory": "hosts.json"}
        self._write("config.json", json.dumps(about))

    def _write(self, name: str, content: str) -> None:
        (self._folder / name).write_text(content)

    def _run(self, *arguments: object) -> bytes:
        # Empty each time: a file that is there already changes what a task says.
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir()
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {"PATH": path, "HOME": str(self._home), "LANG": "C.UTF-8",
               "ANSIBLE_FORCE_COLOR": "True"}  # fmt: skip
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
            self._folder / "run.json",
        )  # fmt: skip
        found = []
        for line in journal.decode().split("\n")[:-1]:
            if not line.startswith("{"):
                found.append({"event": "verbose", "stdout": line, "event_data": {}})
            elif "event" in (content := json.loads(line)):
                found.append(content)
        return found


class _Reading:
    """Events as they are compared: without what no two runs have in common.

    The order of events of different hosts is for timing to decide, so each host's
    events are compared in their order, and those of no host in theirs.
    """

    def __init__(self, events: list[dict[str, Any]], *, free: bool) -> None:
        self._free = free
        named = {e["event"]: e["uuid"] for e in reversed(events) if "uuid" in e}
        self._playbook = named["playbook_on_start"]
        # Ansible numbers its uuids; only what stands before the number is made up.
        self._random = named["playbook_on_play_start"][:24]
        self.outside: Counter[str] = Counter()
        self.by_host: defaultdict[str | None, list[Any]] = defaultdict(list)
        for event in events:
            if event["event"] in _OUTSIDE:
                # An event for ansible-runner, text for us: no callback sent it.
                self._read_outside(event["stdout"])
            else:
                self._read(event)
        if free:
            # Which host is the first to start a task is for timing as well.
            self.by_host[None].sort(key=str)

    def _read_outside(self, text: str) -> None:
        self.outside.update(self._text(text).split("\n"))

    def _read(self, event: dict[str, Any]) -> None:
        data, kind = event["event_data"], event["event"]
        stdout = event["stdout"].replace("\r\n", "\n")
        height = event["end_line"] - event["start_line"]
        # Warnings go to stderr, which has no buffer: on ansible-runner's terminal they
        # come before the event that they belong to, and lie outside of it.
        for warning in _WARNING.findall(stdout):
            self._read_outside(warning.rstrip("\n"))
            height -= 1
        stdout = _WARNING.sub("", stdout)
        if self._free:
            # The host that is first to end a task gets its title displayed.
            height -= 2 * len(_BANNER.findall(stdout))
            stdout = _BANNER.sub("", stdout)
        res = data.get("res")
        if isinstance(res, dict) and "censored" in res:
            # Ours also says whether a hidden task has changed something.
            data = {**data, "res": {"censored": res["censored"]}}
            if kind.endswith("_failed"):
                # Ansible's text of a failure quotes what no_log hides; ours doesn't.
                stdout, height = "", 0
        # Only ours say which hosts a play has, and what a failure means for the others.
        data = {key: value for key, value in data.items() if key not in _OURS}
        left_out = {"counter", "start_line", "end_line", "runner_ident"}
        if kind == "playbook_on_task_start" and data["is_conditional"]:
            # A handler that runs again has its old uuid with ansible-runner, but a
            # number with us, as every other task has with both.
            left_out |= {"uuid", "parent_uuid"}
            data = {key: value for key, value in data.items() if key != "uuid"}
        if self._free and kind == "playbook_on_notify":
            # It stands below the task that any host started last.
            left_out |= {"parent_uuid"}
            data = {key: data[key] for key in ("host", "handler")}
        kept = {key: value for key, value in event.items() if key not in left_out}
        kept |= {"event_data": data, "stdout": stdout, "height": height}
        self.by_host[data.get("host")].append(self._value("", kept))

    def _value(self, key: str, value: Any) -> Any:
        if key in _MOMENTS:
            return value is None
        match value:
            case str() if key.endswith("uuid"):
                return self._uuid(value)
            case str():
                return self._text(value)
            case dict():
                return {name: self._value(name, item) for name, item in value.items()}
            case list():
                return [self._value("", item) for item in value]
        return value

    def _uuid(self, value: str) -> str:
        if value == self._playbook:
            return "playbook"
        known = value.startswith(self._random)
        return value.removeprefix(self._random) if known else "random"

    @staticmethod
    def _text(text: str) -> str:
        # On a terminal, as ansible-runner uses it, lines end in both.
        return _PASSING.sub("…", text.replace("\r\n", "\n"))


def kinds(events: list[dict[str, Any]]) -> set[str]:
    return {event["event"] for event in events}


def assert_equal(theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> None:
    free = any(event["event_data"].get("play") == "Be free" for event in ours)
    expected, found = _Reading(theirs, free=free), _Reading(ours, free=free)

    assert expected.by_host.keys() == found.by_host.keys()
    for host, events in expected.by_host.items():
        for event, other in zip(events, found.by_host[host], strict=False):
            assert event == other
        assert len(events) == len(found.by_host[host])
    assert expected.outside == found.outside


def assert_contiguous(events: list[dict[str, Any]]) -> None:
    """Counters, and the lines of events and text, follow one another."""
    counters = [event["counter"] for event in events if "counter" in event]
    assert list(range(1, len(counters) + 1)) == counters
    line = 0
    for event in events:
        assert line == event.get("start_line", line)
        line = event.get("end_line", line + 1)


@pytest.mark.parametrize(
    ("playbook", "verbosity"),
    [("linear.yml", 0), ("free.yml", 0), ("verbose.yml", 1), ("verbose.yml", 3)],
    ids=["linear", "free", "v", "vvv"],
)
def test_our_events_are_those_of_ansible_runner(
    tmp_path: Path, playbook: str, verbosity: int
) -> None:
    both = Both(tmp_path, playbook, verbosity)

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
    both = Both(tmp_path, "verbose.yml", 2)

    theirs, ours, handed_on = both.theirs(), both.ours(), both.ours(events="runner")

    assert_equal(theirs, ours)
    assert_equal(theirs, handed_on)
    assert_contiguous(handed_on)
    assert len(theirs) == len(handed_on)

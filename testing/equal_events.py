"""Compare the events of two runs of a playbook, one by ansible-runner and one by us.

What may differ is all in `_Reading`, each with its reason; everything else is compared
value by value: kinds, data, parents, text, and how many lines an event displays.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

Events = Sequence[dict[str, Any]]
#: Kinds of ansible-runner's for what is displayed outside of every callback.
_OUTSIDE = {"verbose", "warning", "error", "deprecated", "system_warning", "debug"}
#: Fields of `event_data` that only our events have.
OURS = {"hosts", "ends_play", "ignore_unreachable", "notified", "ran_handler",
        "for_all", "inventory", "waiting", "unfinished",
        "missing_handlers", "check_mode"}  # fmt: skip
_MOMENTS = {"start", "end", "duration", "delta", "created", "pid", "jid",
            "ansible_job_id", "results_file", "ansible_date_time", "SSH_CLIENT",
            "SSH_CONNECTION", "SSH_TTY", "_original_basename"}  # fmt: skip
#: Times, and names that differ in each run, within a text.
_PASSING = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+|\d:\d\d:\d\d\.\d+|j?\d{10,12}\.\d+"
    r"|ansible-tmp-[\d.]+-\d+-\d+|ansible-local-\w+|\btmp\w{8}\b"
    r"|(?<=jid=)[0-9a-f]{16}|ansible_mitogen_action_[0-9a-f]+"  # with mitogen
)
_WARNING = re.compile(r"^\x1b\[1;35m\[WARNING\].*\n?", re.MULTILINE)
_BANNER = re.compile(r"^\n(?:TASK|RUNNING HANDLER) \[.*\] \*+\n?", re.MULTILINE)


def in_journal(journal: bytes) -> list[dict[str, Any]]:
    """Return the events in a journal; a line of text becomes an event of its own."""
    found = []
    for line in journal.decode().split("\n")[:-1]:
        if not line.startswith("{"):
            found.append({"event": "verbose", "stdout": line, "event_data": {}})
        elif "event" in (content := json.loads(line)):
            found.append(content)
    return found


def assert_equal(theirs: Events, ours: Events) -> None:
    """Require that both have the same events, those of each host in the same order."""
    free = any(event["event_data"].get("play") == "Be free" for event in ours)
    expected, found = _Reading(theirs, free=free), _Reading(ours, free=free)

    assert expected.by_host.keys() == found.by_host.keys()
    for host, events in expected.by_host.items():
        for event, other in zip(events, found.by_host[host], strict=False):
            assert event == other
        assert len(events) == len(found.by_host[host])
    assert expected.outside == found.outside


class _Reading:
    """Events as they are compared: without what no two runs have in common.

    The order of events of different hosts is for timing to decide, so each host's
    events are compared in their order, and those of no host in theirs.
    """

    def __init__(self, events: Events, *, free: bool) -> None:
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
        # Only ours say which hosts a play and the inventory have, what a failure means
        # for the others, which handlers a result notifies, and what is in check mode.
        data = {key: value for key, value in data.items() if key not in OURS}
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

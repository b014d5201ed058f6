"""Ansible's usual display, and with it every event for FastDeploy's runner.

The events are ansible-runner's own, but they travel as lines through a FIFO that only
the runner reads. Nothing that a module prints can become one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import sys
import threading
import uuid
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible.plugins.callback.default import CallbackModule as DefaultCallback

DOCUMENTATION = """
    name: fastdeploy
    type: stdout
    short_description: Ansible's usual display, with events for FastDeploy
    description:
        - Shows what the default callback shows and writes each event to a FIFO.
    extends_documentation_fragment:
        - default_callback
        - result_format_callback
"""

#: Bytes of JSON; beyond it values are cut, and each cut says so where it is.
MAX_DATA = 700_000
#: Characters of displayed text.
MAX_TEXT = 200_000
CENSORED = (
    "the output has been hidden due to the fact that 'no_log: true' was specified for "
    "this result"
)
_SETUP = {"setup", "gather_facts", "ansible.builtin.setup", "ansible.legacy.setup",
          "ansible.builtin.gather_facts", "ansible.legacy.gather_facts"}  # fmt: skip
_DEEPEST = 30


class CallbackModule(DefaultCallback):  # type: ignore[misc] # Ansible has no types
    """Sends an event for each call, with the text that the call displayed."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "fastdeploy"

    def __init__(self) -> None:
        super().__init__()
        self._sender = _Sender.from_environment()
        self._shown = _Shown()
        # Whatever Ansible displays ends in one of these two.
        sys.stdout = _Terminal(sys.stdout, self._shown)
        sys.stderr = _Terminal(sys.stderr, self._shown)
        self._seen: Counter[str] = Counter()
        self._in_playbook = {"playbook_uuid": str(uuid.uuid4())}
        self._in_play: dict[str, Any] = {}
        self._in_task: dict[str, Any] = {}
        self._started: dict[str, dt.datetime] = {}
        self._described: tuple[Any, dict[str, str]] = None, {}
        self._pid = os.getpid()

    def _event(
        self, event: str, /, task: Any = None, ident: str | None = None, **data: Any
    ) -> _Event:
        """Return the event, which is sent once its body has displayed its text."""
        ident = ident or str(uuid.uuid4())
        place = self._place(task) if task else self._in_task
        context = {**self._in_playbook, **self._in_play, **place}
        parents = (context.get(f"{kind}_uuid") for kind in ("task", "play", "playbook"))
        parent = next((found for found in parents if found and found != ident), None)
        head = {
            "uuid": ident,
            "event": event,
            "pid": self._pid,
            "created": _now().isoformat(),
            **({"parent_uuid": parent} if parent else {}),
        }
        # Before the body: the default callback empties a result while it shows it.
        encoded = _encode({**context, **data, "uuid": ident})
        return _Event(self._sender, self._shown, head, encoded)

    def _place(self, task: Any) -> dict[str, str]:
        """What an event says of its task. Mostly it is that of the event before."""
        # The name too: it is another while a task's start is told.
        key = task._uuid, task.name
        described = self._described
        if described[0] != key:
            described = self._described = key, _describe(task)
        return described[1]

    def _numbered(self, ident: str) -> str:
        # With serial or the free strategy a play or task starts more than once.
        self._seen[ident] += 1
        count = self._seen[ident]
        return ident if count == 1 else f"{ident}_{count}"

    def _outcome(self, result: Any, *, res: bool = True) -> dict[str, Any]:
        """What every result of a task on a host has."""
        start, end = self._started.get(result.host.get_name()), _now()
        return {
            "host": result.host.get_name(),
            "remote_addr": result.host.address,
            **({"res": _res(result)} if res else {}),
            "start": start and start.isoformat(),
            "end": start and end.isoformat(),
            "duration": start and (end - start).total_seconds(),
        }

    def _handle_warnings_and_exception(self, result: Any) -> None:
        # The text of an error may quote the very arguments that no_log hides.
        if _is_hidden(result):
            for key in ("exception", "warnings", "deprecations"):
                result.result.pop(key, None)
        super()._handle_warnings_and_exception(result)

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._in_playbook["playbook"] = getattr(playbook, "_file_name", "???")
        with self._event("playbook_on_start", ident=self._in_playbook["playbook_uuid"]):
            super().v2_playbook_on_start(playbook)

    def v2_playbook_on_vars_prompt(
        self, varname: str, *args: Any, **kwargs: Any
    ) -> None:
        with self._event("playbook_on_vars_prompt", varname=varname):
            super().v2_playbook_on_vars_prompt(varname, *args, **kwargs)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        hosts = play.hosts
        pattern = ",".join(hosts) if isinstance(hosts, list) else hosts
        name = play.get_name().strip() or pattern
        ident = self._numbered(str(play._uuid))
        self._in_play = {"play": name, "play_uuid": ident, "play_pattern": pattern}
        self._in_task = {}
        with self._event(
            "playbook_on_play_start", ident=ident, name=name, pattern=pattern,
            hosts=_hosts(play),
        ):  # fmt: skip
            super().v2_playbook_on_play_start(play)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        with self._begin(task, is_conditional):
            super().v2_playbook_on_task_start(task, is_conditional)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        # ansible-runner has no event of its own for a handler; this tells them apart.
        with self._begin(task, is_conditional=True):
            super().v2_playbook_on_handler_task_start(task)

    def _begin(self, task: Any, is_conditional: bool) -> _Event:
        self._in_task = _describe(task)
        return self._event(
            "playbook_on_task_start",
            ident=self._numbered(str(task._uuid)),
            name=task.get_name(),
            is_conditional=is_conditional,
        )

    def v2_playbook_on_include(self, included_file: Any) -> None:
        with self._event("playbook_on_include", included_file=included_file._filename):
            super().v2_playbook_on_include(included_file)

    def v2_playbook_on_notify(self, handler: Any, host: Any) -> None:
        with self._event(
            "playbook_on_notify", host=host.get_name(), handler=handler.get_name()
        ):
            super().v2_playbook_on_notify(handler, host)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        with self._event("playbook_on_no_hosts_matched"):
            super().v2_playbook_on_no_hosts_matched()

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        with self._event("playbook_on_no_hosts_remaining"):
            super().v2_playbook_on_no_hosts_remaining()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._in_play, self._in_task = {}, {}
        kinds = ("changed", "dark", "failures", "ignored", "ok", "processed", "rescued",
                 "skipped")  # fmt: skip
        counts = {kind: getattr(stats, kind) for kind in kinds}
        with self._event(
            "playbook_on_stats", **counts, artifact_data=stats.custom.get("_run", {})
        ):
            super().v2_playbook_on_stats(stats)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._started[host.get_name()] = _now()
        with self._event("runner_on_start", task, host=host.get_name()):
            super().v2_runner_on_start(host, task)

    def v2_runner_on_ok(self, result: Any) -> None:
        if result.task.action in _SETUP:
            # The environment of a host holds secrets that nobody declared.
            result.result.get("ansible_facts", {}).pop("ansible_env", None)
        loop = result.task.loop_with
        with self._event(
            "runner_on_ok", result.task, **self._outcome(result), event_loop=loop
        ):
            super().v2_runner_on_ok(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        with self._event(
            "runner_on_failed",
            result.task,
            **self._outcome(result),
            **_fate(result.task),
            ignore_errors=ignore_errors,
            event_loop=result.task.loop_with,
        ):
            super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_skipped(self, result: Any) -> None:
        outcome = self._outcome(result, res=False)
        loop = result.task.loop_with
        with self._event("runner_on_skipped", result.task, **outcome, event_loop=loop):
            super().v2_runner_on_skipped(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        task = result.task
        outcome = self._outcome(result) | _fate(task)
        if task.ignore_unreachable is True:
            outcome["ignore_unreachable"] = True
        with self._event("runner_on_unreachable", task, **outcome):
            super().v2_runner_on_unreachable(result)

    def v2_runner_on_async_poll(self, result: Any) -> None:
        with self._partial("runner_on_async_poll", result, jid=_job(result)):
            super().v2_runner_on_async_poll(result)

    def v2_runner_on_async_ok(self, result: Any) -> None:
        with self._partial("runner_on_async_ok", result, jid=_job(result)):
            super().v2_runner_on_async_ok(result)

    def v2_runner_on_async_failed(self, result: Any) -> None:
        with self._partial("runner_on_async_failed", result, jid=_job(result)):
            super().v2_runner_on_async_failed(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        with self._partial("runner_item_on_ok", result):
            super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        with self._partial("runner_item_on_failed", result):
            super().v2_runner_item_on_failed(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        with self._partial("runner_item_on_skipped", result):
            super().v2_runner_item_on_skipped(result)

    def v2_runner_retry(self, result: Any) -> None:
        with self._partial("runner_retry", result):
            super().v2_runner_retry(result)

    def v2_on_file_diff(self, result: Any) -> None:
        diff = None if _is_hidden(result) else result.result.get("diff")
        host = result.host.get_name()
        with self._event("runner_on_file_diff", result.task, host=host, diff=diff):
            super().v2_on_file_diff(result)

    def _partial(self, event: str, result: Any, **data: Any) -> _Event:
        """The event of something that is not yet a task's result on a host."""
        host = result.host.get_name()
        return self._event(event, result.task, host=host, res=_res(result), **data)


class _Shown(threading.local):
    """What the current thread displays while one of its callbacks runs."""

    # Ansible calls back and displays from two threads.
    pieces: list[str] | None = None


class _Event:
    """An event whose body displays its text. It runs so often that each step counts."""

    def __init__(
        self, sender: _Sender, shown: _Shown, head: dict[str, Any], data: str
    ) -> None:
        self._sender = sender
        self._shown = shown
        self._head = head
        self._data = data

    def __enter__(self) -> None:
        # What was displayed since the last event stands before this one.
        sys.stdout.flush()
        self._pieces: list[str] = []
        self._shown.pieces = self._pieces

    def __exit__(self, *_: object) -> None:
        self._shown.pieces = None
        self._sender.send(self._head, "".join(self._pieces), self._data)


class _Terminal:
    """Stands in for a standard stream; keeps what belongs to an event."""

    def __init__(self, stream: TextIO, shown: _Shown) -> None:
        self._stream = stream
        self._shown = shown

    def write(self, text: str) -> int:
        if self._shown.pieces is None:
            return self._stream.write(text)
        self._shown.pieces.append(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Sender:
    """Writes events to the runner's FIFO; to nothing where there is no runner."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._torn = False

    @classmethod
    def from_environment(cls) -> _Sender:
        path = os.environ.pop("FASTDEPLOY_EVENT_PIPE", None)
        if path is None:
            return cls(None)
        # Waits for no reader: if there is none any more, there is nothing to do.
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(descriptor, True)
        # From here on nobody finds it by its name, no module of this user either.
        Path(path).unlink()
        return cls(descriptor)

    def send(self, head: dict[str, Any], text: str, data: str) -> None:
        """Send an event with its displayed text and its data, which is JSON already."""
        if self._descriptor is None:
            return
        height = text.count("\n")
        head["stdout"] = _cut(text.rstrip("\r\n"), MAX_TEXT)
        opening = _JSON.encode(head).removesuffix("}")
        line = f'{height} {opening}, "event_data": {data}}}\n'
        start = "\n" if self._torn else ""
        rest = memoryview((start + line).encode(errors="replace"))
        self._torn = True
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self._torn = False
        except BrokenPipeError:
            # The runner is gone: end, rather than go on where nobody can see it.
            self._descriptor = None
            os.kill(os.getpid(), signal.SIGINT)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _describe(task: Any) -> dict[str, Any]:
    """What an event says of its task."""
    described = {
        "task": task.name or task.action,
        "task_uuid": str(task._uuid),
        "task_action": task.action,
        "resolved_action": getattr(task, "resolved_action", task.action),
        "task_args": "",
        "task_path": task.get_path(),
    }
    if C.DISPLAY_ARGS_TO_STDOUT:
        args = (f"{key}={value}" for key, value in task.args.items())
        described["task_args"] = CENSORED if task.no_log else ", ".join(args)
    if task._role:
        described["role"] = task._role._role_name
        if task._role.get_name() != task._role._role_name:
            described["resolved_role"] = task._role.get_name()
    return described


def _hosts(play: Any) -> list[str]:
    """The names of the hosts that a play, or this batch of it, begins with."""
    inventory = play.get_variable_manager()._inventory
    return [host.get_name() for host in inventory.get_hosts(play.hosts)]


def _fate(task: Any) -> dict[str, bool]:
    """What an event says of a failure that ends the play for every other host too."""
    ends = task.run_once is True or task.any_errors_fatal is True
    return {"ends_play": True} if ends else {}


def _is_hidden(result: Any) -> bool:
    """Whether no_log holds for a result. A template of it is settled in the result."""
    flag = result.result.get("_ansible_no_log", result.task.no_log)
    return bool(flag) or "censored" in result.result


def _res(result: Any) -> dict[str, Any]:
    """A task's result, as far as no_log lets it be seen."""
    res: dict[str, Any] = result.result
    if _is_hidden(result):
        return {"censored": CENSORED, "changed": bool(res.get("changed"))}
    if any(_is_hidden_item(item) for item in _items(res)):
        items = [
            {"censored": CENSORED} if _is_hidden_item(item) else item
            for item in _items(res)
        ]
        return {**res, "results": items}
    return res


def _items(res: dict[str, Any]) -> list[Any]:
    items = res.get("results")
    return items if isinstance(items, list) else []


def _is_hidden_item(item: Any) -> bool:
    return isinstance(item, dict) and bool(item.get("_ansible_no_log"))


def _job(result: Any) -> Any:
    if jid := result.result.get("ansible_job_id"):
        return jid
    # A job that took too long is named only here.
    inner = result.result.get("async_result")
    return inner.get("ansible_job_id") if isinstance(inner, dict) else None


def _encode(data: dict[str, Any]) -> str:
    """Write an event's data as JSON of at most MAX_DATA bytes."""
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        encoded = _JSON.encode(data)
        if _fits(encoded):
            return encoded
    for longest in (100_000, 10_000, 1_000, 100, 10):
        encoded = _JSON.encode(
            {key: _shorten(item, longest) for key, item in data.items()}
        )
        if _fits(encoded):
            return encoded
    small = {key: item for key, item in data.items() if isinstance(item, str | None)}
    return _JSON.encode(
        {key: item and _cut(item, 1_000) for key, item in small.items()}
    )


def _fits(encoded: str) -> bool:
    # A character has at most four bytes, and most events are far smaller.
    return (
        len(encoded) * 4 <= MAX_DATA
        or len(encoded.encode(errors="replace")) <= MAX_DATA
    )


def _shorten(value: Any, longest: int, depth: int = 0) -> Any:
    """A value that JSON can hold, cut where a part of it is too long or too deep."""
    if depth > _DEEPEST:
        return "… [cut: nested too deep]"
    if isinstance(value, str):
        return _cut(value, longest)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        # JSON has no word for infinity or for what is no number.
        return value if abs(value) < float("inf") else str(value)
    most = max(longest // 10, 3)
    if isinstance(value, dict):
        kept = {
            _cut(str(key), longest): _shorten(item, longest, depth + 1)
            for key, item in list(value.items())[:most]
        }
        rest = len(value) - most
        return {**kept, "…": f"[cut: {rest} more entries]"} if rest > 0 else kept
    if isinstance(value, list | tuple):
        items = [_shorten(item, longest, depth + 1) for item in value[:most]]
        rest = len(value) - most
        return [*items, f"… [cut: {rest} more items]"] if rest > 0 else items
    return _shorten(_plain(value), longest, depth + 1)


def _cut(text: str, longest: int) -> str:
    rest = len(text) - longest
    return f"{text[:longest]}… [cut: {rest} more characters]" if rest > 0 else text


def _plain(value: Any) -> Any:
    """What JSON holds in place of a value that it does not know."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if ciphertext := getattr(value, "_ciphertext", None):
        return {"__ansible_vault": str(ciphertext)}
    return str(value)


#: Made once: json.dumps would make one for each event.
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain)

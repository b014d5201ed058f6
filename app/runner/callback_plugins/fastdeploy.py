"""The callback plugin: Ansible's default display, and events for FastDeploy's runner.

The events have ansible-runner's format, but the plugin sends them as lines through a
FIFO that only the runner reads. So the output of a module can't forge an event.
"""

from __future__ import annotations

import atexit
import datetime as dt
import importlib.util
import sys
from pathlib import Path
from typing import Any

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

_FOLDER = Path(__file__).parent


def _load_parts() -> None:
    """Import `app/runner/callback` as `fastdeploy_callback`, without `app`."""
    folder = _FOLDER.parent / "callback"
    spec = importlib.util.spec_from_file_location(
        "fastdeploy_callback",
        folder / "__init__.py",
        submodule_search_locations=[str(folder)],
    )
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_load_parts()
from fastdeploy_callback import configuration, fields, hidden  # noqa: E402 - it can be imported only now
from fastdeploy_callback.channel import Channel, DisplayedText, Event, Terminal  # noqa: E402
from fastdeploy_callback.event_context import EventContext  # noqa: E402
from fastdeploy_callback.file_history import FileHistory, mode_of  # noqa: E402
from fastdeploy_callback.notifications import Notifications  # noqa: E402
from fastdeploy_callback.owed_handlers import OwedHandlers, describe_missing  # noqa: E402
from fastdeploy_callback.unfinished_hosts import UnfinishedHosts  # noqa: E402


class CallbackModule(DefaultCallback):  # type: ignore[misc] # Ansible has no types
    """Sends an event for each call, with the text that the call displayed."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "fastdeploy"

    def __init__(self) -> None:
        super().__init__()
        self._channel = Channel.from_environment()
        self._notifications = Notifications()
        self._owed = OwedHandlers.from_environment(self._notifications)
        self._hosts = UnfinishedHosts()
        self._files = FileHistory.from_environment()
        configuration.restore(_FOLDER)
        self._shown = DisplayedText()
        if self._channel.connected:
            # What was displayed before this arrives by another pipe, and must be first.
            sys.stdout.flush()
            sys.stderr.flush()
            # Everything that Ansible and callbacks display goes to one of these two.
            sys.stdout = Terminal(sys.stdout, self._shown, self._channel)
            sys.stderr = Terminal(sys.stderr, self._shown, self._channel)
            atexit.register(self._channel.close)
        self._events = EventContext(self._channel, self._shown)
        self._event = self._events.event
        self._started: dict[str, dt.datetime] = {}

    def _outcome(self, result: Any, kind: str = "ok") -> dict[str, Any]:
        """Return the fields of every result of a task on a host."""
        self._files.clean(result)
        start, end = self._started.get(result.host.get_name()), _now()
        return {
            "host": result.host.get_name(),
            "remote_addr": result.host.address,
            **({"res": hidden.visible_result(result)} if kind != "skipped" else {}),
            "start": start and start.isoformat(),
            "end": start and end.isoformat(),
            "duration": start and (end - start).total_seconds(),
            **mode_of(result.task),
            **self._notifications.of_result(result, failed=kind == "failed"),
        }

    def _handle_warnings_and_exception(self, result: Any) -> None:
        if hidden.is_hidden(result):
            hidden.show(self._display, result)
            for key in ("exception", "warnings", "deprecations"):
                result.result.pop(key, None)
        super()._handle_warnings_and_exception(result)

    def v2_playbook_on_start(self, playbook: Any) -> None:
        file = getattr(playbook, "_file_name", "???")
        self._hosts.start_playbook(playbook)
        with self._event("playbook_on_start", ident=self._events.start_playbook(file)):
            super().v2_playbook_on_start(playbook)

    def v2_playbook_on_vars_prompt(
        self, varname: str, *args: Any, **kwargs: Any
    ) -> None:
        with self._event("playbook_on_vars_prompt", varname=varname):
            super().v2_playbook_on_vars_prompt(varname, *args, **kwargs)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        pattern = ",".join(play.hosts) if isinstance(play.hosts, list) else play.hosts
        name = play.get_name().strip() or pattern
        # The first play's event has the whole inventory.
        more = (
            {} if self._events.in_play else {"inventory": fields.groups_by_host(play)}
        )
        ident = self._events.start_play(str(play._uuid), name, pattern)
        self._notifications.start(play)
        with self._event(
            "playbook_on_play_start", ident=ident, name=name, pattern=pattern,
            **self._hosts.start_play(play), **more,
        ):  # fmt: skip
            super().v2_playbook_on_play_start(play)
            if sentence := self._owed.start(play):
                self._display.display(sentence)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._owed.notify()
        with self._begin(task, is_conditional):
            super().v2_playbook_on_task_start(task, is_conditional)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        # ansible-runner has no event for handlers; `is_conditional` marks them.
        with self._begin(task, is_conditional=True):
            super().v2_playbook_on_handler_task_start(task)

    def _begin(self, task: Any, is_conditional: bool) -> Event:
        return self._event(
            "playbook_on_task_start",
            ident=self._events.start_task(task),
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
        self._events.end()
        unfinished = self._hosts.end()
        missing = self._owed.missing([*unfinished, *stats.failures, *stats.dark])
        with self._event(
            "playbook_on_stats", **fields.of_stats(stats),
            **({"unfinished": unfinished} if unfinished else {}),
            **({"missing_handlers": missing} if missing else {}),
        ):  # fmt: skip
            super().v2_playbook_on_stats(stats)
            if missing:
                self._display.warning(describe_missing(missing))

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._started[host.get_name()] = _now()
        with self._event("runner_on_start", task, host=host.get_name()):
            super().v2_runner_on_start(host, task)

    def v2_runner_on_ok(self, result: Any) -> None:
        fields.remove_environment(result)
        loop = result.task.loop_with
        with self._event(
            "runner_on_ok", result.task, **self._outcome(result), event_loop=loop
        ):
            super().v2_runner_on_ok(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        with self._event(
            "runner_on_failed",
            result.task,
            **self._outcome(result, "failed"),
            **fields.of_failure(result.task),
            ignore_errors=ignore_errors,
            event_loop=result.task.loop_with,
        ):
            super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_skipped(self, result: Any) -> None:
        outcome = self._outcome(result, "skipped")
        loop = result.task.loop_with
        with self._event("runner_on_skipped", result.task, **outcome, event_loop=loop):
            super().v2_runner_on_skipped(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        task = result.task
        outcome = self._outcome(result, "failed") | fields.of_unreachable(task)
        with self._event("runner_on_unreachable", task, **outcome):
            super().v2_runner_on_unreachable(result)

    def v2_runner_on_async_poll(self, result: Any) -> None:
        with self._partial("runner_on_async_poll", result, jid=fields.job_id(result)):
            super().v2_runner_on_async_poll(result)

    def v2_runner_on_async_ok(self, result: Any) -> None:
        with self._partial("runner_on_async_ok", result, jid=fields.job_id(result)):
            super().v2_runner_on_async_ok(result)

    def v2_runner_on_async_failed(self, result: Any) -> None:
        with self._partial("runner_on_async_failed", result, jid=fields.job_id(result)):
            super().v2_runner_on_async_failed(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._notifications.add_item(result)
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
        if not self._files.are_displayed(result.task):
            return
        self._files.clean(result)
        diff = None if hidden.is_hidden(result) else result.result.get("diff")
        host = result.host.get_name()
        with self._event("runner_on_file_diff", result.task, host=host, diff=diff):
            super().v2_on_file_diff(result)

    def _partial(self, event: str, result: Any, **data: Any) -> Event:
        """Return the event of an item, a retry or a poll, before the final result."""
        self._files.clean(result)
        res = self._files.of_item(hidden.visible_result(result), result.task)
        host = result.host.get_name()
        return self._event(event, result.task, host=host, res=res, **data)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)

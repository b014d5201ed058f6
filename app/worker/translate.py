"""Translate a line of a journal to an event, without failing.

A line is an event of ansible-runner as JSON, a step as JSON, or output. An invalid
event or step is recorded as output.

Secrets are masked after the kind of a line is known: output is masked as text, an event
or a step in its values.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from app.domain import (
    host_facts,
    host_key_report,
    inventory,
    json_text,
    task_result,
)
from app.domain.events import (
    HostKeyRefused,
    HostKeysUnchecked,
    JournalEvent,
    Output,
    RunnerEvent,
    RunnerStatus,
    SpeedChosen,
    Stats,
    StepReported,
    StepState,
    TaskResult,
)
from app.runner.masking import MASK, UUID, Masker
from app.runner.speed import MAX_SENTENCE

#: Masks nothing.
NOTHING = Masker([])
#: Maximum bytes of an event or a step. A longer line is output, recorded in pieces.
MAX_LINE = 2 * 1024 * 1024

#: Maximum bytes of a line about host keys; the largest key has 4096 characters.
_MAX_HOST_KEY_LINE = 64 * 1024
_MAX_SETTING = 300
#: Maximum characters of a handler's name: with the host's, it is the key of a row.
MAX_HANDLER = 150
_MAX_NOTIFIED = 1000
_MAX_COUNTER = 2**31 - 1
#: A year: no task takes longer.
_MAX_SECONDS = 366 * 86_400.0
_HOST_KEYS = frozenset({"host_key", "unchecked_host_keys"})
_OF_FASTDEPLOY = HostKeyRefused | HostKeysUnchecked | SpeedChosen
_STATES = {state.value: state for state in StepState}
#: The statuses of ansible-runner 2.4, `ansible_runner.Runner.run`.
_STATUSES = frozenset(
    {"starting", "running", "successful", "failed", "canceled", "timeout", "error"}
)
_RESULTS = {
    "runner_on_ok": TaskResult.OK,
    "runner_on_failed": TaskResult.FAILED,
    "runner_on_skipped": TaskResult.SKIPPED,
    "runner_on_unreachable": TaskResult.UNREACHABLE,
}
_FAILURES = frozenset({"runner_on_failed", "runner_on_unreachable"})


def translate(
    line: bytes, masker: Masker = NOTHING, *, script: bool = False
) -> JournalEvent:
    """Translate a complete line, without its newline, to an event.

    `script` says that a service's script printed the line. Only the runner of playbooks
    reports ansible-runner's status; such a line of a script is output.
    """
    secret = masker.finds(line)
    if line[:1] == b"{":
        try:
            found = orjson.loads(line)
            if script and _is_runner_status(found):
                return output(masker.text(_without_environment(found, line)))
            event = _structured(found, line)
            if isinstance(event, _OF_FASTDEPLOY):
                return output(masker.text(line)) if script or secret else event
            if event is not None and not secret:
                return event
            if event is not None:
                return _masked(event, found, line, masker)
        # RecursionError, ValueError and TypeError occur for JSON that one of the
        # libraries can't handle. After any error, the line is recorded as output.
        except Exception:  # noqa: BLE001
            return output(masker.text(line))
    return output(masker.text(line) if secret else line)


def _structured(found: dict[str, Any], line: bytes) -> JournalEvent | None:
    """Convert an object to an event, a step or a status; None if it isn't any."""
    if "event" in found:
        return _runner_event(found, line)
    if "state" in found:
        return _step(found, line)
    if "speed" in found and "runner_ident" in found:
        return _speed(found["speed"])
    if found.keys() & _HOST_KEYS and len(line) <= _MAX_HOST_KEY_LINE:
        return _about_host_keys(found)
    # The other keys, with ansible-runner's whole environment, are dropped here.
    return RunnerStatus(found["status"]) if _is_runner_status(found) else None


def _about_host_keys(found: dict[str, Any]) -> JournalEvent | None:
    setting = found.get("unchecked_host_keys")
    if isinstance(setting, str) and setting.isprintable():
        return HostKeysUnchecked(setting[:_MAX_SETTING])
    report = host_key_report.parse(found.get("host_key"))
    return HostKeyRefused(report) if report else None


def _speed(sentence: object) -> SpeedChosen | None:
    if not isinstance(sentence, str) or not sentence.isprintable():
        return None
    return SpeedChosen(sentence) if len(sentence) <= MAX_SENTENCE else None


def _is_runner_status(found: dict[str, Any]) -> bool:
    status = found.get("status")
    return isinstance(status, str) and status in _STATUSES and "runner_ident" in found


def _without_environment(found: dict[str, Any], line: bytes) -> bytes:
    """Mask command and environment in a status line of a script's ansible-runner."""
    hidden = {key: MASK for key in ("command", "env") if key in found}
    return json_text.dumps(found | hidden).encode() if hidden else line


def _masked(
    event: JournalEvent,
    found: dict[str, Any],
    line: bytes,
    masker: Masker,
) -> JournalEvent:
    match event:
        case RunnerStatus():
            return event
        case StepReported():
            values = masker.value({"name": event.name, "message": event.message})
            return replace(event, **values, line=masker.text(line).decode())
        case RunnerEvent():
            masked = masker.event(found)
            content = json_text.dumps(masked).encode()
            return _runner_event(masked, content) or output(masker.text(line))
        case _:
            return output(masker.text(line))


def output(content: bytes, *, open_: bool = False) -> Output:
    """Return output as an event, with its bytes if a text can't represent them.

    A text in PostgreSQL can't contain NUL, and output may not be valid UTF-8: both are
    shown as a replacement character.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode(errors="replace")
    else:
        if "\0" not in text:
            return Output(text, None, open_)
    return Output(text.replace("\0", "\N{REPLACEMENT CHARACTER}"), content, open_)


def _step(found: dict[str, Any], line: bytes) -> StepReported | None:
    name, message = found.get("name"), found.get("message", "")
    state = found["state"]
    if not isinstance(name, str) or not name.strip() or not isinstance(state, str):
        return None
    if state not in _STATES:
        return None
    if not isinstance(message, str):
        message = json_text.dumps(message)
    return StepReported(
        _without_nul(name), _STATES[state], _without_nul(message), line.decode()
    )


def _runner_event(found: dict[str, Any], line: bytes) -> RunnerEvent | None:
    name, uuid, counter = found["event"], found.get("uuid"), found.get("counter")
    data, stdout = found.get("event_data"), found.get("stdout", "")
    if (
        not isinstance(name, str)
        or not isinstance(uuid, str)
        # The artifacts have a file with this name, so it must be a valid UUID.
        or not UUID.fullmatch(uuid)
        or type(counter) is not int
        or not 0 < counter <= _MAX_COUNTER
        or not isinstance(data, dict)
        or not isinstance(stdout, str)
    ):
        return None
    return RunnerEvent(
        event=_without_nul(name[:100]),
        at=_moment(found.get("created")),
        play=_text(data, "play"),
        role=_text(data, "role"),
        task=_text(data, "task"),
        host=_text(data, "host"),
        result=_result(name, data),
        stdout=_without_nul(stdout),
        data=line.decode(),
        stats=_stats(data) if name == "playbook_on_stats" else None,
        message=_message(data) if name in _FAILURES else "",
        open=found.get("stdout_open") is True,
        seconds=_seconds(data.get("duration")),
        notified=_notified(data) if "notified" in data else (),
        handler=_text(data, "ran_handler")[:MAX_HANDLER] if name in _RESULTS else "",
        for_all=data.get("for_all") is True,
        facts=host_facts.read(data) if name == "runner_on_ok" else None,
        inventory=inventory.read(data) if name == "playbook_on_play_start" else (),
    )


def _result(name: str, data: dict[str, Any]) -> TaskResult | None:
    result = _RESULTS.get(name)
    if result is TaskResult.OK:
        res = data.get("res")
        changed = isinstance(res, dict) and res.get("changed") is True
        return TaskResult.CHANGED if changed else TaskResult.OK
    if result is TaskResult.FAILED and data.get("ignore_errors") is True:
        return TaskResult.IGNORED
    if result is TaskResult.UNREACHABLE and data.get("ignore_unreachable") is True:
        return TaskResult.IGNORED
    return result


def _message(data: dict[str, Any]) -> str:
    res = data.get("res")
    if not isinstance(res, dict):
        return ""
    return _text(res, "msg") or _without_nul(task_result.without_msg(res)[:500])


def _stats(data: dict[str, Any]) -> Stats:
    hosts: set[str] = set()
    for key in ("failures", "dark"):
        counts = data.get(key)
        if isinstance(counts, dict):
            hosts.update(str(host) for host, count in counts.items() if count)
    return Stats(frozenset(hosts))


def _notified(data: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the handlers that a result on a host notifies."""
    names = data.get("notified")
    if not isinstance(names, list) or not _text(data, "host"):
        return ()
    texts = (name for name in names[:_MAX_NOTIFIED] if isinstance(name, str))
    return tuple(_without_nul(text[:MAX_HANDLER]) for text in texts if text)


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return _without_nul(value[:500]) if isinstance(value, str) else ""


def _seconds(duration: object) -> float | None:
    """Return a plausible duration in seconds; None for anything else."""
    if type(duration) is not float and type(duration) is not int:
        return None
    return float(duration) if 0 <= duration <= _MAX_SECONDS else None


def _without_nul(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in text else text


def _moment(created: object) -> datetime | None:
    """Parse the time of ansible-runner's event; None if it is invalid."""
    if not isinstance(created, str):
        return None
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""Run the process that reads a calendar of freezes, with limits."""

import json
import os
import subprocess
import sys
from datetime import datetime
from typing import Any

from app.calendar_reader import CPU_SECONDS
from app.domain.freezes import AHEAD, BACK, MAX_BYTES, Freeze, ReadCalendar
from app.errors import Invalid

#: Seconds that it may take, also while the host is busy.
_SECONDS = 60.0
_INHERITED = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "TZDIR")


def read_calendar(content: bytes, name: str, now: datetime) -> ReadCalendar:
    """Return the freezes of an iCalendar file.

    Raises:
        Invalid: It isn't one, or takes too much time or memory. The message has `name`
            and the line, where there is one.
    """
    if len(content) > MAX_BYTES:
        raise Invalid(f"{name} is larger than {MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(f"{name} is not UTF-8") from None
    if "\0" in text:
        raise Invalid(f"{name} contains a NUL character")
    until = now + AHEAD
    answer = _run(
        {
            "text": text,
            "since": (now - BACK).isoformat(),
            "until": until.isoformat(),
            "seconds": CPU_SECONDS,
        }
    )
    if answer is None:
        raise Invalid(
            f"{name} takes too much time or memory to expand: use simpler rules"
        )
    if problem := answer.get("problem"):
        where = f"{name}, line {answer['line']}:" if answer["line"] else name
        raise Invalid(f"{where} {problem}")
    freezes = tuple(Freeze(**each) for each in answer["freezes"])
    return ReadCalendar(text, freezes, until)


def _run(asked: dict[str, Any]) -> dict[str, Any] | None:
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "app.calendar_reader"],
            input=json.dumps(asked).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            env=environment,
            start_new_session=True,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError):
        return None
    return answer

"""Log lines: an event and its keys, and nothing that they don't name."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app import log

CANARY = "hunter2-canary"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail(password: str) -> None:
    """Raise in a frame that holds a secret."""
    raise RuntimeError(f"{len(password)} characters were not enough")


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_traceback_shows_no_values(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure(style)

    try:
        fail(CANARY)
    except RuntimeError as error:
        log.get("test").error("it.failed", exc_info=error)

    written = capsys.readouterr().err
    assert "it.failed" in written
    assert "14 characters were not enough" in written
    assert "test_log.py" in written
    assert CANARY not in written


def test_a_line_of_json_has_event_keys_level_and_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure("json")

    with structlog.contextvars.bound_contextvars(request="r1"):
        log.get("test").info("deployment.ended", deployment=7, status="failed")

    line = json.loads(capsys.readouterr().err)
    assert "deployment.ended" == line.pop("event")
    assert line.pop("timestamp").endswith("Z")
    assert {
        "deployment": 7,
        "status": "failed",
        "level": "info",
        "request": "r1",
    } == line


def test_what_libraries_say_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json")

    logging.getLogger("somebody").warning("disk is %s", "full")
    logging.getLogger("uvicorn.access").info("GET /")

    (line,) = capsys.readouterr().err.splitlines()
    assert "disk is full" == json.loads(line)["event"]

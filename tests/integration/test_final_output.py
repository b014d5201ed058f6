"""What a run printed last, and the error of Ansible in it."""

from datetime import UTC, datetime

import pytest

from app.settings import Settings
from app.store import events, final_output
from app.store.events import Occurrence
from app.store.store import Store
from app.worker.translate import translate
from testing.factories import make_runner_line, make_step_line, request_deployment


@pytest.fixture
def deployment_id(store: Store, settings: Settings) -> int:
    return request_deployment(store, settings)


def append(store: Store, deployment_id: int, *lines: bytes) -> int:
    """Append a journal's lines behind event 1; return the last number."""
    batch = [Occurrence(datetime.now(UTC), translate(line)) for line in lines]
    with store.begin() as db:
        return events.append(db, deployment_id, 1, batch)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ""),
        ([b"first", b"last", b"", b"  \t"], "last"),
        ([b"first", b"\x1b[0;31mlast\x1b[0m", b"\x1b[0;31m \x1b[0m"], "last"),
        ([b"x" * 1000 + b"end"], "x" * 497 + "end"),
        ([b"said", make_step_line(), make_runner_line()], "said"),
    ],
    ids=["nothing", "blank-lines", "blank-in-colour", "long", "other-kinds"],
)
def test_the_last_output_is_the_last_text_that_says_something(
    store: Store, deployment_id: int, lines: list[bytes], expected: str
) -> None:
    append(store, deployment_id, *lines)

    with store.begin() as db:
        assert expected == final_output.last_output(db, deployment_id)


def test_an_error_is_found_among_what_ansible_itself_printed(
    store: Store, deployment_id: int
) -> None:
    last = append(
        store, deployment_id, b"before",
        b"\x1b[0;31m[ERROR]: no such role\x1b[0m", b"\x1b[0;31mOrigin: a:1:2\x1b[0m",
        make_runner_line(stdout="[ERROR]: a task failed"), b"behind",
    )  # fmt: skip

    with store.begin() as db:
        number = final_output.last_error(db, deployment_id, last=last)
        assert number == 3
        lines = final_output.lines_around(db, deployment_id, number, before=1, behind=1)

    assert ["before", "[ERROR]: no such role", "Origin: a:1:2"] == [
        line.replace("\x1b[0;31m", "").replace("\x1b[0m", "") for line in lines
    ]

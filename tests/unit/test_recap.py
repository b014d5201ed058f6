"""The recap, and the values that a playbook has set with set_stats."""

import json
from typing import Any

import pytest

from app.domain.recap import MAX_DEPTH, TOO_DEEP, totals


def nested(levels: int) -> Any:
    value: Any = {"name": "Zürich <b>"}
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("levels", "shown"),
    [(1, True), (MAX_DEPTH, True), (MAX_DEPTH + 1, False), (900, False)],
)
def test_a_total_that_no_answer_could_hold_is_replaced(
    levels: int, *, shown: bool
) -> None:
    data = {"event_data": {"artifact_data": {"a": nested(levels), "b": 1}}}

    found = totals([json.dumps(data)])

    assert {"a": nested(levels) if shown else TOO_DEEP, "b": 1} == found

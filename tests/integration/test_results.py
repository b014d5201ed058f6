"""The matrix of results, a single result, and the search in them."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from app.domain.events import TaskResult
from app.errors import NotFound
from app.settings import Settings
from app.store.search import SearchQuery
from app.store.store import Store
from app.usecases import results, search
from app.usecases.results import SMALL, Matrix
from testing.factories import (
    begins,
    ends,
    recaps,
    record_lines,
)
from testing.result_runs import ALL, run


def shown(matrix: Matrix) -> dict[str, list[str]]:
    return {
        row.label: [cell.result.value if cell else "" for cell in row.cells]
        for group in matrix.groups
        for row in group.rows
    }


def test_the_matrix_has_every_result_by_step_task_and_host(
    store: Store, settings: Settings
) -> None:
    matrix = results.matrix(store, run(store, settings, *ALL), SMALL)

    assert list("abcdef") == matrix.hosts
    assert ["prepare", "publish"] == [group.name for group in matrix.groups]
    assert {
        "Look": [result.value for result in TaskResult],
        "Copy": ["", "ok", "", "", "", ""],
    } == shown(matrix)
    assert (None, None, "") == (matrix.earlier, matrix.later, matrix.more_hosts)


def test_a_window_leads_to_the_tasks_before_and_behind_it(
    store: Store, settings: Settings
) -> None:
    tasks = [f"task {n:02}" for n in range(30)]
    lines = [line for task in tasks for line in (begins(task), ends(task, "a"))]
    view = run(store, settings, *lines)
    window = replace(SMALL, tasks=8)

    seen = []
    at: int | None = None
    while True:
        matrix = results.matrix(store, view, replace(window, before=at))
        seen.append(list(shown(matrix)))
        if matrix.earlier is None:
            break
        at = matrix.earlier
    back = results.matrix(store, view, replace(window, before=matrix.later))

    assert tasks == [task for page in reversed(seen) for task in page]
    assert all(["ok"] == cells for cells in shown(matrix).values())
    assert seen[-2][0] in shown(back)


def test_hosts_come_in_windows_by_name_and_the_first_has_those_that_failed(
    store: Store, settings: Settings
) -> None:
    hosts = [f"h{n:03}" for n in range(100)]
    ended = [
        ends("t", host, TaskResult.FAILED if host == "h077" else TaskResult.OK)
        for host in hosts
    ]
    view = run(store, settings, begins("t"), *ended)
    window = replace(SMALL, hosts=40)

    first = results.matrix(store, view, window)
    second = results.matrix(store, view, replace(window, hosts_after=first.more_hosts))
    third = results.matrix(store, view, replace(window, hosts_after=second.more_hosts))

    assert ["h000", "h001", "h077"] == [*first.hosts[:2], first.hosts[-1]]
    assert set(hosts) == {*first.hosts, *second.hosts, *third.hosts}
    assert "" == third.more_hosts


def test_nothing_is_shown_that_the_view_does_not_know_yet(
    store: Store, settings: Settings
) -> None:
    """The stream goes on where the page ends: what is newer comes from there."""
    view = run(store, settings, begins("t"), ends("t", "a"))
    record_lines(store, view.deployment.id, ends("t", "b"), begins("u"))

    matrix = results.matrix(store, view, SMALL)

    assert {"t": ["ok", ""]} == shown(matrix)


def test_a_result_is_found_with_its_surroundings(
    store: Store, settings: Settings
) -> None:
    view = run(store, settings, *ALL)
    matrix = results.matrix(store, view, SMALL)
    cell = matrix.groups[0].rows[0].cells[1]
    assert cell is not None

    found = results.find(store, view.deployment.id, cell.number)

    assert ("b", "prepare | Look", "prepare") == (
        found.recorded.host, found.recorded.task, found.step,
    )  # fmt: skip
    assert "prepare | Look changed b" == found.details.message
    assert list("abcdef") == [one.host for one in found.beside]
    assert found.earlier is None
    assert found.later is not None
    assert "publish | Copy" == found.later.task


@pytest.mark.parametrize("number", [1, 4_000_000_000])
def test_an_event_that_is_not_a_result_is_not_found(
    store: Store, settings: Settings, number: int
) -> None:
    view = run(store, settings, *ALL)

    with pytest.raises(NotFound):
        results.find(store, view.deployment.id, number)


def test_the_recap_is_ansibles_own(store: Store, settings: Settings) -> None:
    stats = recaps(ok={"a": 3, "b": 1}, dark={"b": 1})
    view = run(store, settings, *ALL, stats)

    found = results.summary_of(store, view.deployment.id).recap

    assert [("b", True), ("a", False)] == [(one.host, one.bad) for one in found]


@pytest.mark.parametrize(
    ("wanted", "hosts"),
    [
        (SearchQuery(result="changed"), ["b"]),
        (SearchQuery(host="c"), ["c"]),
        (SearchQuery(host="b", step=2), ["b"]),
        (SearchQuery(text="RUNNER_ON_FAILED prepare"), ["d", "e"]),
        (SearchQuery(text="%"), []),
        (SearchQuery(text="\0"), []),
        (SearchQuery(text="look f", result="unreachable"), ["f"]),
        (SearchQuery(step=7), []),
        (SearchQuery(), []),
    ],
)
def test_lines_are_found_by_host_result_step_and_text(
    store: Store, settings: Settings, wanted: SearchQuery, hosts: list[str]
) -> None:
    view = run(store, settings, *ALL)

    found = search.look(store, view.deployment.id, wanted, 0)

    assert hosts == [event.host for event in found.events]
    assert found.further is None


def test_a_search_goes_on_where_its_page_ended(
    store: Store, settings: Settings
) -> None:
    lines = [b"wanted" if n % 2 else b"other" for n in range(3 * search.PAGE)]
    view = run(store, settings, *lines)

    first = search.look(store, view.deployment.id, SearchQuery(text="WANTED"), 0)
    assert first.further is not None
    second = search.look(store, view.deployment.id, SearchQuery(text="wanted"),
                         first.further)  # fmt: skip

    assert search.PAGE == len(first.events)
    assert search.PAGE // 2 == len(second.events)
    assert first.events[-1].number < second.events[0].number
    assert second.further is None


def test_every_window_is_read_by_an_index(store: Store, settings: Settings) -> None:
    """However many events there are, it reads those of its window."""
    view = run(store, settings, *ALL)
    with store.begin() as db:
        db.execute(text("SET LOCAL enable_seqscan = off"))
        db.execute(text("SET LOCAL enable_bitmapscan = off"))
        query = (
            "SELECT number FROM events WHERE deployment_id = :id AND kind = 'runner'"
            " AND name = 'playbook_on_task_start' ORDER BY number DESC LIMIT 8"
        )
        of_host = (
            "SELECT number FROM events WHERE deployment_id = :id AND host IN ('a', 'b')"
            " AND host IS NOT NULL AND result IS NOT NULL AND number >= 1"
        )
        plans = [
            "\n".join(db.scalars(text(f"EXPLAIN {sql}"), {"id": view.deployment.id}))
            for sql in (query, of_host)
        ]

    assert "ix_events_outline" in plans[0]
    assert "ix_events_results" in plans[1]

"""Read the results of an Ansible run: a window of its matrix, a result, the recap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from app.domain import task_result
from app.domain.matrix import Group, Result, Row, Task, arrange, grouped
from app.domain.owed_handlers import OwedHandler
from app.domain.recap import HostRecap, recap, totals
from app.domain.steps import Step
from app.domain.task_result import TaskResultDetails
from app.errors import NotFound
from app.store import owed_handlers, results, run_speed
from app.store.events import MAX_NUMBER
from app.store.results import TaskResultRow
from app.store.store import Store
from app.usecases import deploy
from app.usecases.deploy import View

#: Maximum number of results of other hosts to list beside a result.
MAX_BESIDE = 60


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a matrix to show: at most `hosts`, `tasks` and `cells`.

    `before` is the event number that ends the window, `hosts_after` the host after
    which it begins.
    """

    hosts: int
    tasks: int
    cells: int
    before: int | None = None
    hosts_after: str = ""


#: The windows of a deployment's page and of the page with its results.
SMALL = Window(hosts=24, tasks=40, cells=240)
LARGE = Window(hosts=60, tasks=100, cells=1500)
_FEWEST_TASKS = 8


@dataclass(frozen=True, slots=True)
class Matrix:
    """A window of the matrix: tasks grouped by step, with a cell for each host.

    `earlier` and `later` are the values of `before` for the windows above and below,
    None if there is none. `more_hosts` is the value of `hosts_after` for the next
    window, empty if there is none.
    """

    groups: Sequence[Group]
    hosts: Sequence[str]
    earlier: int | None = None
    later: int | None = None
    more_hosts: str = ""


@dataclass(frozen=True, slots=True)
class ResultPage:
    """A result with the previous and next one on its host, and those of other hosts."""

    view: View
    recorded: TaskResultRow
    details: TaskResultDetails
    step: str
    earlier: Result | None
    later: Result | None
    beside: Sequence[Result]


@dataclass(frozen=True, slots=True)
class Summary:
    """Ansible's recap, failed hosts first, the values of `set_stats`, and the speed."""

    recap: Sequence[HostRecap] = ()
    totals: Mapping[str, Any] = field(default_factory=dict)
    #: What was chosen to make the run faster, as a sentence.
    speed: str = ""
    #: The handlers that were notified and didn't run, neither then nor later.
    owed: Sequence[OwedHandler] = ()


def matrix(
    store: Store, view: View, window: Window, recap: Sequence[HostRecap] = ()
) -> Matrix:
    """Return a window of a deployment's matrix, up to the moment of the view.

    The window has the newest tasks unless it has `before`. With the recap of an ended
    run, the failures that were rescued are marked.
    """
    number = view.deployment.id
    end = view.deployment.last_event + 1
    before = end if window.before is None else min(window.before, end)
    with store.begin() as db:
        results.by_index(db)
        hosts, more_hosts = _hosts(db, view, window)
        wanted = _rows(window, len(hosts))
        # One more than is shown, to find out whether there are more.
        tasks = results.tasks_before(db, number, before=before, limit=wanted + 1)
        behind = results.tasks_after(db, number, after=before - 1, limit=wanted)
        earlier = tasks[1].number if len(tasks) > wanted else None
        tasks = tasks[-wanted:]
        behind = [task for task in behind if task.number < end]
        stop = behind[0].number if behind else end
        found = []
        if tasks and hosts:
            found = results.results(db, number, hosts, tasks[0].number, stop)
        handled = {result.number for result in _rescued(db, number, recap)}
    found = [
        replace(result, rescued=True) if result.number in handled else result
        for result in found
    ]
    names = {step.position: step.name for step in view.steps}
    return Matrix(
        groups=grouped(arrange(tasks, hosts, found), names),
        hosts=hosts,
        earlier=earlier,
        later=behind[-1].number + 1 if behind else None,
        more_hosts=more_hosts,
    )


def find(store: Store, deployment_id: int, number: int) -> ResultPage:
    """Return a result with its neighbours; raises NotFound if it isn't a result."""
    with store.begin() as db:
        view = deploy.view_in(db, deployment_id)
        results.by_index(db)
        recorded = results.find(db, deployment_id, number)
        if recorded is None:
            raise NotFound(f"event {number} is not a task result")
        neighbours = results.neighbours(db, deployment_id, recorded.host, number)
        beside = _beside(db, deployment_id, recorded)
    steps = {step.position: step.name for step in view.steps}
    return ResultPage(
        view=view,
        recorded=recorded,
        details=task_result.read(recorded.data),
        step=steps.get(recorded.step or 0, ""),
        earlier=neighbours[0],
        later=neighbours[1],
        beside=beside,
    )


def summary_of(store: Store, deployment_id: int) -> Summary:
    """Return the summary of a run; recap and totals are empty before its end."""
    with store.begin() as db:
        results.by_index(db)
        stats = results.recaps(db, deployment_id)
        speed = run_speed.find(db, deployment_id)
        owed = owed_handlers.of_deployment(db, deployment_id)
    return Summary(recap(stats), totals(stats), speed, owed)


def summary_so_far(store: Store, view: View) -> Summary:
    """Return the summary of a run that hasn't ended: it has no recap yet."""
    if view.deployment.service.playbook is None:
        return Summary()
    with store.begin() as db:
        results.by_index(db)
        return Summary(speed=run_speed.find(db, view.deployment.id))


def rescued(
    store: Store, deployment_id: int, recap: Sequence[HostRecap]
) -> list[Result]:
    """Return the failures of an ended run after which a `rescue` section succeeded."""
    with store.begin() as db:
        return _rescued(db, deployment_id, recap)


def _rescued(
    db: Connection, deployment_id: int, recap: Sequence[HostRecap]
) -> list[Result]:
    """Return the failures of each host but the last ones, which Ansible counts."""
    counted = {host.host: host for host in recap if host.rescued}
    if not counted:
        return []
    of_host: dict[str, list[Result]] = {host: [] for host in counted}
    for result in results.failures(db, deployment_id, list(counted)):
        of_host[result.host].append(result)
    return [
        replace(result, rescued=True)
        for host, failures in of_host.items()
        for result in failures[: max(len(failures) - counted[host].failed, 0)]
    ]


def failed_hosts(steps: Sequence[Step]) -> list[str]:
    """Return the failed hosts without duplicates, in the order of the steps."""
    return list(dict.fromkeys(host for step in steps for host in step.failed_hosts))


def _hosts(db: Connection, view: View, window: Window) -> tuple[list[str], str]:
    """Return the hosts of a window by name, and its `more_hosts`.

    Failed hosts are in the first window, also those of a later one.
    """
    number = view.deployment.id
    listed = results.hosts_after(
        db, number, after=window.hosts_after, limit=window.hosts + 1
    )
    if len(listed) <= window.hosts and not window.hosts_after:
        return sorted(listed), ""
    first: list[str] = []
    if not window.hosts_after:
        first = failed_hosts(view.steps)[: window.hosts // 2]
    plain = [host for host in listed if host not in first]
    shown = plain[: window.hosts - len(first)]
    more = shown[-1] if len(plain) > len(shown) else ""
    return sorted([*first, *shown]), more


def _rows(window: Window, hosts: int) -> int:
    return max(min(window.cells // max(hosts, 1), window.tasks), _FEWEST_TASKS)


def _beside(db: Connection, deployment_id: int, of: TaskResultRow) -> list[Result]:
    """Return results of the same task on all hosts, up to MAX_BESIDE."""
    tasks = results.tasks_before(db, deployment_id, before=of.number, limit=1)
    behind = results.tasks_after(db, deployment_id, after=of.number, limit=1)
    if not tasks:
        return []
    hosts = results.hosts_after(db, deployment_id, after="", limit=MAX_BESIDE)
    stop = behind[0].number if behind else MAX_NUMBER
    found = results.results(db, deployment_id, hosts, tasks[0].number, stop)
    rows: list[Row] = arrange([Task(tasks[0].number, of.task, None)], hosts, found)
    return [cell for row in rows for cell in row.cells if cell is not None]

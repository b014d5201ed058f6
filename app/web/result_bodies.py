"""The bodies of the API about the results of a deployment."""

from collections.abc import Iterable

from app.domain.diff import DiffLine
from app.domain.events import TaskResult
from app.domain.matrix import Result
from app.domain.recap import COUNTED
from app.usecases.changes import Change
from app.usecases.results import Matrix, ResultPage, Summary
from app.web.schemas import Body


class HostResultBody(Body):
    """The result of a task on a host."""

    host: str
    event: int
    """The number of the event with the result."""
    result: str
    """ok, changed, failed, skipped, unreachable, or rescued for a failure after which a
    `rescue` section succeeded."""


class TaskBody(Body):
    """A task with its results on the listed hosts."""

    event: int
    """The number of the event with which it started."""
    step: str
    """Empty outside of steps."""
    task: str
    results: list[HostResultBody]


class RecapBody(Body):
    """The number of results of a host, as Ansible counts them."""

    host: str
    counts: dict[str, int]


class ResultsBody(Body):
    """A part of the results of a run: some tasks on some hosts."""

    hosts: list[str]
    tasks: list[TaskBody]
    recap: list[RecapBody]
    """All hosts, failed ones first; empty until the playbook has ended."""
    earlier: int | None
    """The value of `before` for the tasks before these; null at the beginning."""
    later: int | None
    """The value of `before` for the tasks after these; null at the end."""
    more_hosts: str
    """The value of `hosts_after` for further hosts; empty at the end."""


class TextBody(Body):
    """A text of a result, such as stdout or stderr."""

    name: str
    text: str
    cut: bool
    """Whether it is truncated; the output has all of it."""


class ItemBody(Body):
    """The result of an item of a loop."""

    label: str
    result: TaskResult
    message: str
    diff: list[str]
    texts: list[TextBody]


class ResultBody(Body):
    """The result of a task on a host; what wasn't reported is empty or null."""

    event: int
    host: str
    task: str
    step: str
    result: str
    message: str
    module: str
    role: str
    play: str
    path: str
    """The file and the line of the task."""
    seconds: float | None
    exit_code: int | None
    command: str
    warnings: list[str]
    diff: list[str]
    """The lines of a unified diff."""
    texts: list[TextBody]
    arguments: dict[str, str]
    """The arguments of the module; values that aren't texts as JSON."""
    items: list[ItemBody]
    """The first 200 items of a loop."""
    more_items: int
    rest: str
    """All other keys of the result, as JSON."""
    rest_cut: bool
    """Whether `rest` is truncated."""


class DiffBody(Body):
    """What a task, or an item of a loop, changed."""

    item: str
    """The item; empty without a loop."""
    lines: list[str]
    """The first 200 lines of a unified diff."""
    more: int
    """The number of lines that are left out."""


class ChangeBody(Body):
    """A changed result with its diffs."""

    event: int
    host: str
    step: str
    task: str
    diffs: list[DiffBody]


def results_body(matrix: Matrix, summary: Summary) -> ResultsBody:
    """Return the body of a part of the results."""
    return ResultsBody(
        hosts=list(matrix.hosts),
        tasks=[
            TaskBody(
                event=row.task.number,
                step=group.name,
                task=row.label,
                results=[_host_result(cell) for cell in row.cells if cell is not None],
            )
            for group in matrix.groups
            for row in group.rows
        ],
        recap=[
            RecapBody(host=one.host, counts=dict(zip(COUNTED, one.counts, strict=True)))
            for one in summary.recap
        ],
        earlier=matrix.earlier,
        later=matrix.later,
        more_hosts=matrix.more_hosts,
    )


def result_body(page: ResultPage, task: str) -> ResultBody:
    """Return the body of a result; `task` is its name without the step."""
    recorded, details = page.recorded, page.details
    return ResultBody(
        event=recorded.number,
        host=recorded.host,
        task=task,
        step=page.step,
        result=recorded.result,
        message=details.message,
        module=details.module,
        role=details.role,
        play=details.play,
        path=details.path,
        seconds=details.seconds,
        exit_code=details.exit_code,
        command=details.command,
        warnings=list(details.warnings),
        diff=_lines(details.diff),
        texts=[TextBody(name=s.name, text=s.text, cut=s.cut) for s in details.sections],
        arguments=dict(details.arguments),
        items=[
            ItemBody(
                label=item.label,
                result=item.result,
                message=item.message,
                diff=_lines(item.diff),
                texts=[
                    TextBody(name=s.name, text=s.text, cut=s.cut) for s in item.sections
                ],
            )
            for item in details.items
        ],
        more_items=details.more_items,
        rest=details.rest,
        rest_cut=details.rest_cut,
    )


def change_body(change: Change) -> ChangeBody:
    """Return the body of a changed result."""
    return ChangeBody(
        event=change.number,
        host=change.host,
        step=change.step,
        task=change.task,
        diffs=[
            DiffBody(item=diff.item, lines=_lines(diff.lines), more=diff.more)
            for diff in change.diffs
        ],
    )


def _host_result(result: Result) -> HostResultBody:
    return HostResultBody(
        host=result.host,
        event=result.number,
        result=result.shown,
    )


def _lines(lines: Iterable[DiffLine]) -> list[str]:
    return [line.text for line in lines]

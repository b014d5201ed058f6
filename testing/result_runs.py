"""Runs of playbooks with results, recorded without a worker."""

from app.domain.events import TaskResult
from app.settings import Settings
from app.store.store import Store
from app.usecases import deploy, record
from app.usecases.deploy import View
from testing.factories import (
    begins,
    ends,
    make_service,
    record_lines,
    start_deployment,
)

SERVICE = make_service(name="fleet", steps=[{"name": "prepare"}, {"name": "publish"}])


def run(
    store: Store, settings: Settings, *lines: bytes, exit_code: int | None = None
) -> View:
    """A deployment whose run printed these lines, and ended with an exit code."""
    number = start_deployment(store, settings, SERVICE).id
    record_lines(store, number, *lines)
    if exit_code is not None:
        record.finish(store, number, exit_code)
    return deploy.view(store, number)


ALL = [
    begins("prepare | Look"),
    *(ends("prepare | Look", host, result)
      for host, result in zip("abcdef", TaskResult, strict=True)),
    begins("publish | Copy"),
    ends("publish | Copy", "b"),
]  # fmt: skip

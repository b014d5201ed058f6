"""Let Schemathesis' engine send generated requests to the API of this process."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.schemas import BaseSchema
from starlette.types import ASGIApp


@dataclass(slots=True)
class Report:
    """What the requests of a run got, and what is wrong with it."""

    #: The number of requests by phase, of responses by status, of results by check.
    phases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    #: Each failed check, with the request that shows it.
    problems: list[str] = field(default_factory=list)
    #: The CPU time of this process in seconds, of tests and application together.
    cpu_seconds: float = 0.0

    def add(self, recorder: ScenarioRecorder) -> None:
        """Add the requests of one scenario."""
        for key, nodes in recorder.checks.items():
            self.checks.update(node.name for node in nodes)
            for node in nodes:
                if node.failure_info is not None:
                    operation = recorder.cases[key].value.operation.label
                    failed = node.failure_info
                    self.problems.append(
                        f"{operation}: {node.name}: {failed.failure.message}\n"
                        f"{failed.code_sample}"
                    )
        self.statuses.update(
            sent.response.status_code
            for sent in recorder.interactions.values()
            if sent.response is not None
        )

    def __str__(self) -> str:
        """Return the figures."""
        return (
            f"{self.statuses.total()} requests {dict(self.phases)}, "
            f"{self.cpu_seconds:.0f} s of CPU time\n"
            f"statuses {dict(sorted(self.statuses.items()))}\n"
            f"checks {dict(sorted(self.checks.items()))}"
        )


def load(
    app: ASGIApp, document: dict[str, Any], settings: Mapping[str, Any]
) -> BaseSchema:
    """Return the operations of a document, which an application performs."""
    config = SchemathesisConfig.from_dict(dict(settings))
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app = app
    return schema


def send_all(schema: BaseSchema, report: Report) -> set[str]:
    """Test all operations of a schema; return the labels of the tested ones."""
    tested: set[str] = set()
    started = time.process_time()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            report.phases[event.phase.value] += len(event.recorder.cases)
            report.add(event.recorder)
            tested.add(event.label or "")
        elif isinstance(event, events.NonFatalError):
            report.problems.append(f"{event.label}: {event.info}")
        elif isinstance(event, events.FatalError):
            raise event.exception
    report.cpu_seconds += time.process_time() - started
    return tested

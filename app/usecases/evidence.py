"""Gather the evidence for the outcome and the warnings of a run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from app.domain import ansible_errors, run_warning
from app.domain.deployment import Deployment, is_limit_unmatched
from app.domain.host_key_report import summarize
from app.domain.recap import COUNTED, HostRecap, recap
from app.domain.retry import RetryScope, missing_handlers
from app.domain.run_warning import RunWarning
from app.domain.steps import Step
from app.store import (
    earlier_deployments,
    final_output,
    host_keys,
    results,
    run_problems,
)

#: The counts of the recap that indicate a problem.
_WRONG = [COUNTED.index(n) for n in ("unreachable", "failed", "rescued", "ignored")]
#: The exit codes of ansible-playbook with an unreachable host; 6 if others failed too.
_UNREACHABLE = (4, 6)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts about a run besides its exit code and its steps, see RunEnd."""

    error: str = ""
    last_output: str = ""
    unmatched: Sequence[str] | None = None
    unselected: bool = False
    warnings: Sequence[RunWarning] = ()
    #: The host keys that ssh refused, as a sentence.
    host_keys: str = ""
    #: The hosts of the last successful deployment, if the limit matched none.
    hosts: Sequence[str] = ()


def gather(
    db: Connection, deployment: Deployment, exit_code: int, steps: Iterable[Step]
) -> Evidence:
    """Gather the evidence about a run that ended with an exit code."""
    found = _of_the_run(db, deployment, exit_code, steps)
    if not deployment.service.playbook:
        return found
    last = deployment.last_event
    is_unreachable = exit_code in _UNREACHABLE
    refused = host_keys.refused(db, deployment.id, last=last) if is_unreachable else []
    settings = host_keys.unchecked(db, deployment.id, last=last)
    return replace(
        found,
        host_keys=summarize([each.report for each in refused]),
        warnings=[
            *run_warning.unchecked(settings),
            *_still_owed(db, deployment),
            *found.warnings,
        ],
    )


def _still_owed(db: Connection, deployment: Deployment) -> list[RunWarning]:
    """Return the warnings about owed handlers that weren't in the playbook."""
    if deployment.retry_scope is not RetryScope.CONTINUE:
        return []
    stats = results.recaps(db, deployment.id)
    return run_warning.still_owed(missing_handlers(stats))


def _of_the_run(
    db: Connection, deployment: Deployment, exit_code: int, steps: Iterable[Step]
) -> Evidence:
    results.by_index(db)
    last_output = final_output.last_output(db, deployment.id) if exit_code else ""
    if not deployment.service.playbook:
        return Evidence(last_output=last_output)
    recaps = results.recaps(db, deployment.id)
    if not recaps:
        error = _error(db, deployment)
        nobody = is_limit_unmatched(deployment.options, error)
        known = _hosts_before(db, deployment) if nobody else []
        return Evidence(error=error, last_output=last_output, hosts=known)
    hosts = recap(recaps)
    if exit_code:
        return Evidence(
            last_output=last_output, warnings=_dropped(db, deployment, hosts)
        )
    if deployment.service.allow_empty:
        return Evidence(warnings=_on_the_way(db, deployment, hosts, steps))
    unmatched = None if hosts else run_problems.unmatched(db, deployment.id)
    if (
        unmatched is None
        and deployment.options.selection
        and not run_problems.has_task(db, deployment.id)
    ):
        return Evidence(unselected=True)
    if not hosts:
        return Evidence(unmatched=unmatched)
    return Evidence(warnings=_on_the_way(db, deployment, hosts, steps))


def error_number(db: Connection, deployment: Deployment) -> int | None:
    """Return the number of the event with the error with which Ansible aborted."""
    if not deployment.service.playbook or results.recaps(db, deployment.id):
        return None
    return final_output.last_error(db, deployment.id, last=deployment.last_event)


def _hosts_before(db: Connection, deployment: Deployment) -> list[str]:
    """Return the hosts of the last successful deployment before this one, sorted."""
    before = earlier_deployments.last_successful(
        db, service_id=deployment.service_id, before=deployment.id
    )
    found = recap(results.recaps(db, before)) if before is not None else []
    return sorted(each.host for each in found)


def _error(db: Connection, deployment: Deployment) -> str:
    number = final_output.last_error(db, deployment.id, last=deployment.last_event)
    if number is None:
        return ""
    lines = final_output.lines_around(
        db, deployment.id, number, before=ansible_errors.BEFORE,
        behind=ansible_errors.BEHIND,
    )  # fmt: skip
    return str(ansible_errors.find(lines) or "")


def _on_the_way(
    db: Connection,
    deployment: Deployment,
    hosts: Sequence[HostRecap],
    steps: Iterable[Step],
) -> list[RunWarning]:
    """Return the warnings of a successful run."""
    if not any(host.counts[at] for host in hosts for at in _WRONG):
        return []
    names = {step.position: step.name for step in steps}
    found = run_problems.setbacks(db, deployment.id, names)
    return run_warning.collect(found, _lost(hosts))


def _dropped(
    db: Connection, deployment: Deployment, hosts: Sequence[HostRecap]
) -> list[RunWarning]:
    """Return the warning about hosts that were dropped because another one failed."""
    lost = _lost(hosts)
    play = run_problems.ended_play(
        db, deployment.id, last=deployment.last_event, hosts=sorted(lost)
    )
    return run_warning.dropped(play.name, play.hosts, lost) if play else []


def _lost(hosts: Iterable[HostRecap]) -> frozenset[str]:
    return frozenset(host.host for host in hosts if host.bad)

"""Read the fields of an event from Ansible's plays, tasks and results."""

from __future__ import annotations

from typing import Any

from ansible import constants as C  # noqa: N812 - Ansible's own name for it

from .hidden import CENSORED

_SETUP = {"setup", "gather_facts", "ansible.builtin.setup", "ansible.legacy.setup",
          "ansible.builtin.gather_facts", "ansible.legacy.gather_facts"}  # fmt: skip
#: Groups that every inventory has.
_IMPLICIT = {"all", "ungrouped"}
#: Maximum characters of the names in an inventory that is reported.
_MAX_INVENTORY = 400_000
_COUNTS = ("changed", "dark", "failures", "ignored", "ok", "processed", "rescued",
           "skipped")  # fmt: skip


def of_task(task: Any) -> dict[str, Any]:
    """Return the fields that describe a task."""
    described = {
        "task": task.name or task.action,
        "task_uuid": str(task._uuid),
        "task_action": task.action,
        "resolved_action": getattr(task, "resolved_action", task.action),
        "task_args": "",
        "task_path": task.get_path(),
    }
    if C.DISPLAY_ARGS_TO_STDOUT:
        args = (f"{key}={value}" for key, value in task.args.items())
        described["task_args"] = CENSORED if task.no_log else ", ".join(args)
    if task._role:
        described["role"] = task._role._role_name
        if task._role.get_name() != task._role._role_name:
            described["resolved_role"] = task._role.get_name()
    return described


def groups_by_host(play: Any) -> dict[str, list[str]]:
    """Return the groups of each host of the inventory, whatever the limit is.

    The groups of a very large inventory are left out, and one that is too large for an
    event is empty.
    """
    inventory = play.get_variable_manager()._inventory
    hosts = inventory.get_hosts("all", ignore_limits=True, ignore_restrictions=True)
    found = {host.get_name(): _groups(host) for host in hosts}
    names = sum(len(name) + 6 for name in found)
    if names > _MAX_INVENTORY:
        return {}
    groups = sum(len(name) + 4 for each in found.values() for name in each)
    return found if names + groups <= _MAX_INVENTORY else {name: [] for name in found}


def _groups(host: Any) -> list[str]:
    return [group.name for group in host.get_groups() if group.name not in _IMPLICIT]


def of_failure(task: Any) -> dict[str, bool]:
    """Return the field that marks a failure which ends the play for all hosts."""
    ends = task.run_once is True or task.any_errors_fatal is True
    return {"ends_play": True} if ends else {}


def of_unreachable(task: Any) -> dict[str, bool]:
    """Return the fields that mark what an unreachable host means for the play."""
    ignored = task.ignore_unreachable is True
    return of_failure(task) | ({"ignore_unreachable": True} if ignored else {})


def of_stats(stats: Any) -> dict[str, Any]:
    """Return the counts of the recap by host, and what `set_stats` has set."""
    counts = {kind: getattr(stats, kind) for kind in _COUNTS}
    return {**counts, "artifact_data": stats.custom.get("_run", {})}


def job_id(result: Any) -> Any:
    """Return the id of an asynchronous job, if the result has one."""
    if jid := result.result.get("ansible_job_id"):
        return jid
    # The result of a job that exceeded its timeout names the job only here.
    inner = result.result.get("async_result")
    return inner.get("ansible_job_id") if isinstance(inner, dict) else None


def remove_environment(result: Any) -> None:
    """Remove a host's environment from its facts: it may have undeclared secrets."""
    if result.task.action in _SETUP:
        result.result.get("ansible_facts", {}).pop("ansible_env", None)

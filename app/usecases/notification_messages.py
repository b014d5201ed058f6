"""Compose the message about a deployment, from what was recorded and masked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.domain import notification_text
from app.domain.comparison import Pair
from app.domain.deployment import Deployment
from app.domain.matrix import label
from app.domain.notification import Notification
from app.domain.notification_text import (
    ChangeText,
    FailureText,
    Message,
    name_hosts,
    one_line,
    readable,
)
from app.domain.notify_rules import NotifyEvent
from app.domain.service_name import split
from app.errors import NotFound
from app.store import notifications, results
from app.store.store import Store
from app.usecases import comparison, deploy, failures, outside_edit_messages
from app.usecases.deploy import View
from app.usecases.failures import Failure
from app.usecases.notifications import MAX_DRIFT
from app.usecases.results import failed_hosts

#: The number of failed hosts that the data of a webhook names.
_NAMED_HOSTS = 50
#: The number of tasks with drift that these data name.
_NAMED_TASKS = 50
#: The maximum number of characters of a text in the data of a webhook.
_MAX_TEXT = 2000
#: The number of failures that a text describes.
_DESCRIBED = 3


def compose(store: Store, base_url: str, notification: Notification) -> Message:
    """Return the message of a notification. Raises NotFound.

    Args:
        store: The store.
        base_url: The address of the pages; empty if it isn't known.
        notification: What to notify of.
    """
    number = notification.deployment_id
    if number is None:
        return _test(notification, base_url)
    view = deploy.view(store, number)
    link = f"{base_url}/deployments/{number}" if base_url else ""
    match notification.event:
        case NotifyEvent.FAILED:
            message = _failed(store, view, link)
        case NotifyEvent.RECOVERED:
            message = _recovered(store, view, link)
        case NotifyEvent.DRIFT:
            message = _drift(store, view.deployment, link)
        case NotifyEvent.WAITING_FOR_APPROVAL:
            message = _waiting(store, view.deployment, link)
        case NotifyEvent.EDITED_OUTSIDE:
            message = outside_edit_messages.compose(store, view.deployment, link)
        case _:
            message = _late(view, link)
    data = {
        "id": notification.key,
        "event": notification.event,
        "title": message.title,
        "text": message.text,
        **_deployment(view.deployment, link),
        **message.data,
    }
    return Message(message.title, message.text, data)


def _test(notification: Notification, base_url: str) -> Message:
    title = f"Test of the channel {notification.channel}"
    text = "\n".join(filter(None, ["FastDeploy can send to this channel.", base_url]))
    data = {"id": notification.key, "event": notification.event,
            "title": title, "text": text}  # fmt: skip
    return Message(title, text, data)


def _failed(store: Store, view: View, link: str) -> Message:
    deployment = view.deployment
    hosts = failed_hosts(view.steps)
    summary = failures.look(store, view)
    described = [_failure(each) for each in summary.found]
    success, passed, changes = _since_success(store, deployment)
    where = f" on {name_hosts(hosts)}" if hosts else ""
    about = deployment.reason or f"the deployment is {deployment.status}"
    if len(hosts) > 1:
        about += f" ({len(hosts)} hosts: {name_hosts(hosts)})"
    more = summary.more + len(described[_DESCRIBED:])
    return Message(
        one_line(f"{deployment.service_name} failed{where} (#{deployment.id})"),
        notification_text.compose(
            about, link, described[:_DESCRIBED], more, passed, changes
        ),
        {
            "failed_hosts": hosts[:_NAMED_HOSTS],
            "failed_hosts_count": len(hosts),
            "failures": [_as_data(each) for each in described],
            "more_failures": summary.more,
            "last_successful": success,
            "changes": [
                {"name": each.name, "before": each.before, "now": each.now}
                for each in changes
            ],
        },
    )


def _recovered(store: Store, view: View, link: str) -> Message:
    deployment = view.deployment
    with store.begin() as db:
        before = notifications.last_counted(
            db,
            service_id=deployment.service_id,
            but=deployment.id,
            before=deployment.finished_at,
        )
    what = f": deployment {before[0]} had failed" if before else ""
    return Message(
        one_line(f"{deployment.service_name} recovered (#{deployment.id})"),
        notification_text.compose(
            f"Deployment {deployment.id} was successful{what}.", link, (), 0, "", ()
        ),
        {"failed_before": before[0] if before else None},
    )


def _drift(store: Store, deployment: Deployment, link: str) -> Message:
    with store.begin() as db:
        found = results.changed(db, deployment.id, MAX_DRIFT)
    hosts_of: dict[str, list[str]] = {}
    for task, host in found:
        hosts_of.setdefault(label(task), []).append(host)
    hosts = sorted({host for _, host in found})
    count = f"at least {MAX_DRIFT}" if len(found) == MAX_DRIFT else len(found)
    return Message(
        one_line(
            f"{deployment.service_name} has drifted on {name_hosts(hosts)} "
            f"(#{deployment.id})"
        ),
        notification_text.compose(
            f"A check by {deployment.actor} had {count} changed results: a deployment "
            f"would change {name_hosts(hosts)}.",
            link, (), 0, "It would change:",
            [f"{task} on {name_hosts(each)}" for task, each in hosts_of.items()],
        ),
        {
            "drifted_hosts": hosts[:_NAMED_HOSTS],
            "drifted_hosts_count": len(hosts),
            "drift": [
                {"task": task, "hosts": each[:_NAMED_HOSTS], "hosts_count": len(each)}
                for task, each in [*hosts_of.items()][:_NAMED_TASKS]
            ],
        },
    )  # fmt: skip


def _waiting(store: Store, deployment: Deployment, link: str) -> Message:
    success, passed, changes = _since_success(store, deployment)
    about = f"{deployment.actor} launched it; it runs when somebody else approves it."
    if deployment.started_at or deployment.ended:
        about += f" It is {deployment.status} now."
    return Message(
        one_line(f"{deployment.service_name} waits for approval (#{deployment.id})"),
        notification_text.compose(about, link, (), 0, passed, changes),
        {
            "last_successful": success,
            "changes": [
                {"name": each.name, "before": each.before, "now": each.now}
                for each in changes
            ],
        },
    )


def _late(view: View, link: str) -> Message:
    deployment = view.deployment
    about = [f"{deployment.actor} launched it at {deployment.created_at:%H:%M} UTC."]
    if deployment.started_at is not None:
        about.append(f"It started at {deployment.started_at:%H:%M} UTC.")
        if view.exceeded is not None:
            about.append(f"It usually takes {_in_words(view.exceeded)}.")
        if deployment.ended:
            about.append(f"It is {deployment.status}.")
    elif deployment.ended:
        about.append(f"It is {deployment.status}.")
    else:
        about.append("It hasn't started.")
    if view.ahead:
        about.append(f"{view.ahead} deployments of the service are before it.")
    if view.unavailable_nodes:
        about.append(f"Not ready: {name_hosts(view.unavailable_nodes)}.")
    return Message(
        one_line(f"{deployment.service_name} is late (#{deployment.id})"),
        notification_text.compose(" ".join(about), link, (), 0, "", ()),
    )


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _since_success(
    store: Store, deployment: Deployment
) -> tuple[int | None, str, Sequence[ChangeText]]:
    """Return in which deployment a service last passed, as a sentence too.

    The last value is what has changed since then.
    """
    try:
        found = comparison.look(store, deployment.service_name, None, deployment.id)
    except NotFound:
        return None, "It has not passed before.", ()
    before, compared = found.a.deployment, found.comparison
    changes = [
        *_commits(before, deployment),
        *_changed("", compared.variables),
        *_changed("option ", compared.options),
        *(
            ChangeText(each.name, "changed", "see the comparison")
            for each in compared.config
            if each.name not in {"notify", "schedules"}
        ),
    ]
    since = "Since then:" if changes else "Nothing that FastDeploy knows has changed."
    return before.id, f"It last passed in deployment {before.id}. {since}", changes


def _commits(before: Deployment, now: Deployment) -> list[ChangeText]:
    if before.commit == now.commit or not (before.commit and now.commit):
        return []
    return [ChangeText("commit", before.commit[:10], now.commit[:10])]


def _changed(kind: str, pairs: Sequence[Pair]) -> list[ChangeText]:
    return [
        ChangeText(f"{kind}{each.name}", each.a, each.b)
        for each in pairs
        if each.differs
    ]


def _failure(one: Failure) -> FailureText:
    return FailureText(
        one.host, one.step, one.task, one.message, [each.text for each in one.lines]
    )


def _as_data(one: FailureText) -> dict[str, Any]:
    return {
        "host": one.host,
        "step": one.step,
        "task": one.task,
        "message": readable(one.message)[:_MAX_TEXT],
        "lines": [readable(line)[:_MAX_TEXT] for line in one.lines],
    }


def _deployment(deployment: Deployment, link: str) -> dict[str, Any]:
    name = split(deployment.service_name)
    return {
        "service": deployment.service_name,
        "project": name.project if name else "",
        "environment": name.environment if name else "",
        "deployment": deployment.id,
        "url": link,
        "status": deployment.status,
        "reason": readable(deployment.reason)[:_MAX_TEXT],
        "actor": deployment.actor,
        "origin": deployment.origin,
        "commit": deployment.commit,
        "ref": deployment.ref,
        "created_at": deployment.created_at.isoformat(),
        "started_at": _moment(deployment.started_at),
        "finished_at": _moment(deployment.finished_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()

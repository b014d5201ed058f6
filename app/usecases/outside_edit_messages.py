"""Compose the message about the edits outside FastDeploy that a deployment found."""

from app.domain import notification_text
from app.domain.deployment import Deployment
from app.domain.notification_text import Message, name_hosts, one_line, readable
from app.errors import NothingToReport
from app.store import files
from app.store.files import OutsideEdit
from app.store.store import Store

#: The number of edits that are counted, and that the data of a webhook names.
_COUNTED = 1000
_NAMED = 50


def compose(store: Store, deployment: Deployment, link: str) -> Message:
    """Return the message, with a link to the changes of the deployment.

    `link` is the address of the deployment's page; empty if it isn't known. Raises
    NothingToReport if changes that were recorded since explain the edits.
    """
    with store.begin() as db:
        found = files.edits(db, [deployment.id], limit=_COUNTED)
    if not found:
        raise NothingToReport("another deployment has made these changes")
    hosts = sorted({each.host for each in found})
    count = f"at least {_COUNTED}" if len(found) == _COUNTED else len(found)
    of_files = "file was" if len(found) == 1 else "files were"
    changes = f"{link}/changes" if link else ""
    return Message(
        one_line(
            f"{deployment.service_name}: files were edited outside FastDeploy on "
            f"{name_hosts(hosts)} (#{deployment.id})"
        ),
        notification_text.compose(
            f"Deployment {deployment.id} found that {count} {of_files} edited outside "
            f"FastDeploy on {name_hosts(hosts)}, and has changed them since.",
            changes, (), 0, "Edited between the last deployment and this one:",
            [_describe(each) for each in found],
        ),
        {
            "changes_url": changes,
            "edited_hosts": hosts[:_NAMED],
            "edited_hosts_count": len(hosts),
            "edited_files": [_data(each) for each in found[:_NAMED]],
            "edited_files_count": len(found),
        },
    )  # fmt: skip


def _describe(edit: OutsideEdit) -> str:
    return (
        f"{readable(edit.path)} on {edit.host}, between "
        f"{edit.since:%Y-%m-%d %H:%M} and {edit.until:%Y-%m-%d %H:%M} UTC"
    )


def _data(edit: OutsideEdit) -> dict[str, str]:
    return {
        "host": edit.host,
        "file": readable(edit.path),
        "since": edit.since.isoformat(),
        "until": edit.until.isoformat(),
    }

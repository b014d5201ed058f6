"""Send the status of commits to the providers of their repositories.

The rows of webhook_launches are the outbox: the launch writes one in its transaction,
and each worker sends what is due, so no run ever waits for a provider.
"""

from collections.abc import Callable
from datetime import timedelta

import orjson

from app.domain import commit_status, repository_url
from app.domain.outgoing_answer import is_final
from app.encryption import SecretBox
from app.errors import OutgoingFailed, OutgoingRefused
from app.log import get
from app.runner.errors import RunnerError
from app.settings import Settings
from app.store import webhook_launches
from app.store.store import Store
from app.store.webhook_launches import DueStatus, PushedCommit
from app.usecases.git_access import GitAccess

log = get("webhooks")

#: The number of times that a status is sent until it is given up.
MAX_TRIES = 20
#: The first and the longest pause between them.
PAUSES = timedelta(seconds=1), timedelta(hours=1)
_BATCH = 20


class NotSent(Exception):
    """A status couldn't be sent; the message says why, without the token."""

    def __init__(self, problem: str, *, final: bool = False) -> None:
        """With `final`, another attempt would fail, too."""
        super().__init__(problem)
        self.final = final


def send_due(
    store: Store,
    secret_box: SecretBox,
    settings: Settings,
    stopping: Callable[[], bool],
) -> int:
    """Send the statuses whose time has come; return how many were sent.

    One that fails is sent again after a pause, which doubles. Raises Unavailable.
    """
    sent = 0
    with store.begin() as db:
        due = webhook_launches.due(db, _BATCH)
    for found in due:
        if stopping():
            break
        with store.begin() as db:
            one = webhook_launches.claim(db, found)
        if one is None:
            continue
        try:
            _send(store, secret_box, settings, one)
        except NotSent as error:
            _postpone(store, one, error)
        else:
            with store.begin() as db:
                webhook_launches.mark_sent(db, one)
            sent += 1
    return sent


def find_commit(store: Store, deployment_id: int) -> tuple[PushedCommit | None, str]:
    """Return the commit with which a webhook launched a deployment, and its page.

    The page is a URL of the provider; empty if it is unknown.
    """
    with store.begin() as db:
        found = webhook_launches.find(db, deployment_id)
    if found is None:
        return None, ""
    page = repository_url.commit_page(found.provider, found.repository, found.commit)
    return found, page


def _send(
    store: Store, secret_box: SecretBox, settings: Settings, one: DueStatus
) -> None:
    """Send one status. Raises NotSent and Unavailable."""
    # httpcore takes a while to import, and few installations need it.
    from app.outgoing import send  # noqa: PLC0415

    url = repository_url.status_url(
        one.provider, one.repository, one.commit, one.api_url
    )
    if not url:
        raise NotSent("the API of the provider is unknown: give the webhook an API URL")
    base = settings.base_url
    content = commit_status.content(
        one.provider,
        number=one.deployment,
        status=one.status,
        sending=one.sending,
        context=f"fastdeploy/{one.service}",
        page=f"{base}/deployments/{one.deployment}" if base else "",
    )
    token = _token(store, secret_box, one.credential)
    headers = commit_status.headers(one.provider, token)
    headers["Content-Type"] = "application/json"
    try:
        answer = send(
            "POST",
            url,
            headers=headers,
            content=orjson.dumps(content),
            allowed=settings.outgoing_allowed,
        )
    except OutgoingRefused as error:
        raise NotSent(str(error), final=True) from None
    except OutgoingFailed as error:
        raise NotSent(str(error)) from None
    if not answer.is_success:
        problem = f"the provider answered with status {answer.status}"
        raise NotSent(problem, final=is_final(answer.status))


def _token(store: Store, secret_box: SecretBox, reference: str) -> str:
    """Return the token of a credential. Raises NotSent."""
    try:
        found = GitAccess(store, lambda: secret_box).named(reference).credential
    except RunnerError as error:
        raise NotSent(str(error).removesuffix(".")) from None
    if found is None:
        raise NotSent(f"the credential {reference} doesn't exist: add it")
    return found.main.strip()


def _postpone(store: Store, one: DueStatus, why: NotSent) -> None:
    first, longest = PAUSES
    again = one.tries + 1 < MAX_TRIES and not why.final
    pause = min(first * 2**one.tries, longest) if again else None
    with store.begin() as db:
        webhook_launches.postpone(db, one, str(why), pause)
    log.warning("status.not_sent", deployment=one.deployment, tries=one.tries + 1)

"""Send one message in a process of its own, which ends when its time is over.

So neither a receiver that hangs nor a library can stop the worker, and only this
process imports Apprise. It gets the message as JSON on its standard input and prints
the result as JSON. It may connect to addresses that may be reached only, whatever a
name or a redirect leads to: an audit hook of Python checks each connection.
"""

import contextlib
import ipaddress
import json
import logging
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from app.domain import channel
from app.domain.outgoing_answer import is_final
from app.domain.outgoing_url import IPNetwork, may_connect
from app.domain.webhook_signature import EVENT, KEY, SIGNATURE, TIMESTAMP, sign
from app.errors import OutgoingFailed, OutgoingRefused

#: Seconds that a webhook may take to answer.
_ANSWER_SECONDS = 15.0
#: Seconds that Apprise waits for a connection and for data.
_SECONDS = 10.0
_MAX_PROBLEM = 500
#: Seconds after which the process ends in any case.
_LIMIT = 90
#: What a message never has to do on this host.
_FORBIDDEN = frozenset(
    {"os.exec", "os.posix_spawn", "os.system", "subprocess.Popen", "syslog.openlog",
     "syslog.syslog"}
)  # fmt: skip


class Refused(OSError):
    """A connection to an address that may not be reached, or another forbidden act."""


class Unsent(Exception):
    """The message wasn't sent; `useless` says that another attempt fails too."""

    def __init__(self, problem: str, *, useless: bool = False) -> None:
        super().__init__(problem)
        self.useless = useless


class Guard:
    """Refuses connections to internal addresses, and remembers what it refused."""

    def __init__(self, allowed: Sequence[IPNetwork]) -> None:
        self._allowed = allowed
        self.refused = ""

    def install(self) -> None:
        """Check every connection from now on; it can't be undone in this process."""
        sys.addaudithook(self._check)

    def _check(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto"):
            self._check_address(arguments[1])
        elif event in _FORBIDDEN:
            self._refuse("the service wants to start a program on this host")

    def _check_address(self, address: object) -> None:
        host = address[0] if isinstance(address, tuple) and address else None
        if not isinstance(host, str):
            self._refuse("the service wants to connect to a process of this host")
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            # The name would be resolved after this check.
            self._refuse("the service connects by name, which can't be checked")
        if not may_connect(host, self._allowed):
            self._refuse(
                "the receiver has an internal address; an administrator can allow its "
                "network with FASTDEPLOY_OUTGOING_PRIVATE"
            )

    def _refuse(self, problem: str) -> NoReturn:
        self.refused = problem
        raise Refused(problem)


def main() -> None:
    """Read a message from standard input, send it, and print the result."""
    # The worker kills this process earlier, unless it was killed itself.
    signal.alarm(_LIMIT)
    asked = json.load(sys.stdin)
    allowed = [ipaddress.ip_network(each) for each in asked["allowed"]]
    result = {"problem": "", "useless": False}
    with contextlib.redirect_stdout(sys.stderr):
        try:
            _send(asked, allowed)
        except Unsent as error:
            result = {"problem": str(error)[:_MAX_PROBLEM], "useless": error.useless}
    print(json.dumps(result))  # noqa: T201 - the worker reads it


def _send(asked: dict[str, Any], allowed: Sequence[IPNetwork]) -> None:
    if asked["url"].partition("://")[0] in channel.WEBHOOK:
        _send_by_webhook(asked, allowed)
    else:
        _send_by_apprise(asked, allowed)


def _send_by_webhook(asked: dict[str, Any], allowed: Sequence[IPNetwork]) -> None:
    from app import outgoing  # noqa: PLC0415 - it takes long to import

    body = json.dumps(asked["data"]).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        KEY: asked["key"],
        EVENT: asked["event"],
        TIMESTAMP: timestamp,
        SIGNATURE: sign(asked["secret"], timestamp, body),
    }
    try:
        answer = outgoing.send(
            "POST",
            asked["url"],
            headers=headers,
            content=body,
            timeout=_ANSWER_SECONDS,
            allowed=allowed,
        )
    except OutgoingRefused as error:
        raise Unsent(str(error), useless=True) from None
    except OutgoingFailed as error:
        raise Unsent(str(error)) from None
    if not answer.is_success:
        problem = f"the receiver answered with status {answer.status}"
        raise Unsent(problem, useless=is_final(answer.status))


def _send_by_apprise(asked: dict[str, Any], allowed: Sequence[IPNetwork]) -> None:
    from apprise import Apprise, NotifyFormat  # noqa: PLC0415 - only needed here

    url = asked["url"]
    log = _Log()
    plugin = Apprise.instantiate(url, asset=_asset())
    if plugin is None:
        why = log.text(url)
        raise Unsent(f"Apprise can't use the URL of the channel{why}", useless=True)
    plugin.socket_connect_timeout = plugin.socket_read_timeout = _SECONDS
    _identify(plugin, asked["key"])
    guard = Guard(allowed)
    guard.install()
    apprise = Apprise(asset=plugin.asset)
    apprise.add(plugin)
    try:
        sent = apprise.notify(
            title=asked["title"], body=asked["text"], body_format=NotifyFormat.TEXT
        )
    except Exception as error:  # noqa: BLE001 - of one of a hundred plugins
        raise Unsent(f"Apprise failed with {type(error).__name__}") from None
    # One of several addresses may have been refused, and another one accepted it.
    if not sent and guard.refused:
        raise Unsent(guard.refused, useless=True)
    if not sent:
        raise Unsent(f"the service didn't accept it{log.text(url)}")


def _asset() -> Any:  # Apprise has no types of its own
    from apprise import AppriseAsset  # noqa: PLC0415 - only needed here

    return AppriseAsset(
        app_id="FastDeploy",
        app_desc="FastDeploy",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        # A redirect counted as delivered otherwise.
        http_redirects=False,
        interpret_escapes=False,
        interpret_emojis=False,
        secure_logging=True,
        storage_mode="memory",
    )


def _identify(plugin: Any, key: str) -> None:
    """Let a receiver recognise a repeated message, as far as its protocol can."""
    from apprise.plugins.email import base  # noqa: PLC0415 - only needed here

    def make_id(idstring: str | None = None, domain: str | None = None) -> str:
        del idstring
        return f"<{key}@{domain or 'fastdeploy'}>"

    # Apprise takes no Message-ID: it calls this function for each mail.
    vars(base)["make_msgid"] = make_id
    headers = getattr(plugin, "headers", None)
    if isinstance(headers, dict):
        headers.setdefault(KEY, key)


class _Log(logging.Handler):
    """Keeps the warnings of Apprise, which has the reason of a failure there only."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._found: list[str] = []
        logger = logging.getLogger("apprise")
        logger.setLevel(logging.WARNING)
        logger.addHandler(self)
        logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        self._found.append(" ".join(record.getMessage().split()))

    def text(self, url: str) -> str:
        """Return the last warning, without any part of the URL."""
        from app.runner.masking import Masker  # noqa: PLC0415 - it takes long to import

        if not self._found:
            return ""
        masker = Masker(channel.parts(url))
        masked = masker.text(self._found[-1].encode(errors="replace"))
        return f": {masked.decode(errors='replace')}"


if __name__ == "__main__":
    main()

"""Send HTTP requests to URLs that users give, never to internal addresses.

A name is resolved once, and the connection goes to the address that was checked, so
that a second answer of DNS can't lead elsewhere. Redirects aren't followed, proxies of
the environment aren't used, and certificates are verified with those of the host.

Import it where a request is sent: it loads httpcore.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpcore
from httpcore import NetworkBackend, NetworkStream

from app import __version__
from app.domain.outgoing_url import IPNetwork, OutgoingUrl, may_connect, parse_url
from app.errors import OutgoingFailed, OutgoingRefused

#: Bytes of an answer that are kept; the rest isn't read.
MAX_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered; a redirect is an answer like any other."""

    status: int
    #: By name in lower case.
    headers: Mapping[str, str] = field(repr=False)
    #: The beginning of the body.
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the server accepted the request."""
        return 200 <= self.status < 300


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
    timeout: float = 10.0,
    allowed: Sequence[IPNetwork] = (),
    limit: int = MAX_ANSWER,
) -> Answer:
    """Send a request and return the answer; it blocks for `timeout` seconds at most.

    Public addresses can be reached, and the `allowed` networks. `timeout` includes
    the resolution of the name and the whole answer, of which at most `limit` bytes
    are read. No message contains more of the URL than its host.

    Raises:
        OutgoingRefused: The URL is invalid or leads to an address that isn't allowed.
            It is useless to repeat the request.
        OutgoingFailed: There was no complete answer in time.
    """
    try:
        target = parse_url(url)
    except ValueError as error:
        raise OutgoingRefused(f"the URL {error}") from None
    deadline = _Deadline(timeout)
    addresses = _resolve(target, deadline)
    usable = [address for address in addresses if may_connect(address, allowed)]
    if not usable:
        raise OutgoingRefused(
            f"{target.authority} has an internal address; an administrator can allow "
            "its network with FASTDEPLOY_OUTGOING_PRIVATE"
        )
    try:
        return _exchange(
            method, target, usable, deadline, headers or {}, content, limit
        )
    except httpcore.TimeoutException:
        raise OutgoingFailed(
            f"{target.authority} didn't answer within {timeout:g} s"
        ) from None
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        reason = _reason(error)
        raise OutgoingFailed(
            f"the request to {target.authority} failed: {reason}"
        ) from None


class _Deadline:
    """The time at which a request has to be over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the remaining seconds.

        Raises:
            httpcore.TimeoutException: None are left.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


def _resolve(target: OutgoingUrl, deadline: _Deadline) -> list[str]:
    """Return the addresses of the host, without waiting longer than the deadline.

    getaddrinfo has no timeout, so a thread calls it, which may outlive the request.
    """
    found: list[str] = []
    problem: list[OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            for entry in socket.getaddrinfo(
                target.host, target.port, type=socket.SOCK_STREAM
            ):
                found.append(str(entry[4][0]))  # noqa: PERF401 - shared with the caller
        except (OSError, UnicodeError) as error:
            problem.append(error)

    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(deadline.remaining())
    if thread.is_alive() or problem:
        raise OutgoingFailed(f"the name {target.host} can't be resolved at the moment")
    return list(dict.fromkeys(found))


def _exchange(
    method: str,
    target: OutgoingUrl,
    addresses: Sequence[str],
    deadline: _Deadline,
    headers: Mapping[str, str],
    content: bytes,
    limit: int,
) -> Answer:
    url = httpcore.URL(
        scheme=target.scheme,
        host=target.host,
        port=target.port,
        target=target.target,
    )
    lines = {
        "Host": target.authority,
        "User-Agent": f"FastDeploy/{__version__}",
        "Accept": "*/*",
        "Content-Length": str(len(content)),
        "Connection": "close",
    }
    backend = _Pinned(addresses, deadline)
    context = ssl.create_default_context()
    try:
        with (
            httpcore.ConnectionPool(
                ssl_context=context, network_backend=backend
            ) as pool,
            pool.stream(
                method, url, headers=list({**lines, **headers}.items()), content=content
            ) as response,
        ):
            body = _read(response.iter_stream(), limit)
    except (httpcore.LocalProtocolError, UnicodeEncodeError):
        # Its message may contain the value of a header.
        raise OutgoingRefused(
            "a header of the request contains characters that HTTP doesn't allow"
        ) from None
    answered = {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in response.headers
    }
    return Answer(response.status, answered, body)


def _read(stream: Iterable[bytes], limit: int) -> bytes:
    body = b""
    for part in stream:
        body += part
        if len(body) >= limit:
            break
    return body[:limit]


def _reason(error: Exception) -> str:
    # httpcore removes the cause when it raises the error again.
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate isn't valid ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return "no TLS connection could be made"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return "the connection was closed before the answer was complete"


class _Pinned(NetworkBackend):
    """Connects to checked addresses only, whatever the name of the host."""

    def __init__(self, addresses: Sequence[str], deadline: _Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the checked addresses are used
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is used
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        """Connect to the first address that accepts."""
        failure: httpcore.ConnectError | None = None
        for left, address in zip(
            range(len(self._addresses), 0, -1), self._addresses, strict=True
        ):
            try:
                # An address that doesn't answer leaves time for the next.
                stream = self._backend.connect_tcp(
                    address,
                    port,
                    self._deadline.remaining() / left,
                    local_address,
                    socket_options,
                )
            except httpcore.ConnectError as error:
                failure = error
            except httpcore.ConnectTimeout:
                if left == 1:
                    raise
            else:
                return _Timed(stream, self._deadline)
        assert failure is not None
        raise failure


class _Timed(NetworkStream):
    """A connection whose operations together end at the deadline."""

    def __init__(self, stream: NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Read some bytes."""
        return self._stream.read(max_bytes, self._deadline.remaining())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Write all bytes."""
        self._stream.write(buffer, self._deadline.remaining())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> NetworkStream:
        """Verify the server's certificate for the name in the URL, and encrypt."""
        stream = self._stream.start_tls(
            ssl_context, server_hostname, self._deadline.remaining()
        )
        return _Timed(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks about the connection."""
        return self._stream.get_extra_info(info)

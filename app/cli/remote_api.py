"""The API of a server, over HTTPS."""

import os
import ssl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import httpx

from app.cli.api import USER_AGENT, Answer, Api, ConnectionLost, Sent
from app.cli.problems import misunderstood, raise_problem, read_json
from app.cli.server import Server
from app.errors import Unavailable

#: Seconds to wait for the connection, and for each piece of a response: the server
#: sends something every 15 seconds.
_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
#: The same for a change: adding a project may fetch a repository for ten minutes.
_TIMEOUT_OF_CHANGE = httpx.Timeout(660.0, connect=15.0)
#: How often a request that can be repeated is sent if the connection breaks.
_ATTEMPTS = 3


class RemoteApi(Api):
    """Sends requests with a token. It is a context manager, which closes connections.

    The certificates are those that the system trusts, or those in SSL_CERT_FILE.
    """

    def __init__(self, server: Server) -> None:
        self.url = server.url
        self._client = httpx.Client(
            base_url=server.url,
            headers={"Authorization": f"Bearer {server.token}"},
            verify=ssl.create_default_context(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def artifacts_folder(self, deployment_id: int) -> Path | None:
        """Return None: the folder is on the server."""
        del deployment_id
        return None

    def launch(self, path: str, body: object = None, **query: object) -> Any:
        """Launch a deployment; the request is repeated if the connection breaks.

        Its idempotency key makes sure that the server launches one deployment.
        """
        key = {"Idempotency-Key": f"cli-{uuid.uuid4()}"}
        for _ in range(_ATTEMPTS - 1):
            with suppress(ConnectionLost):
                return self._send("POST", path, body, query=query, headers=key)
        return self._send("POST", path, body, query=query, headers=key)

    @contextmanager
    def open(self, request: Sent) -> Iterator[Answer]:
        """Send a request. Raises ConnectionLost, also while the content is read."""
        with (
            _explained(self.url),
            self._client.stream(
                request.method,
                request.address.lstrip("/"),
                params=request.parameters,
                headers=dict(request.headers),
                content=request.content or None,
                timeout=_TIMEOUT if request.method == "GET" else _TIMEOUT_OF_CHANGE,
            ) as response,
        ):
            _refuse_redirect(response, self.url)
            yield Answer(
                response.status_code, dict(response.headers), response.iter_bytes()
            )


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Convert the errors of httpx. Raises ConnectionLost and Unavailable."""
    try:
        yield
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise Unavailable(
                f"the certificate of {url} can't be verified ({error}): {_authority()}"
            ) from None
        raise ConnectionLost(
            f"{url} can't be reached ({error}): check the address and your network"
        ) from None
    except httpx.TimeoutException:
        raise ConnectionLost(f"{url} doesn't answer in time; try again") from None
    except httpx.TransportError as error:
        raise ConnectionLost(
            f"the connection to {url} broke ({error}); try again"
        ) from None


def _authority() -> str:
    """Say how to trust a certificate authority of one's own."""
    file = os.environ.get("SSL_CERT_FILE", "")
    if file and not os.access(file, os.R_OK):
        # OpenSSL ignores such a file.
        return f"SSL_CERT_FILE names {file}, which can't be read"
    return (
        "if it is from your own certificate authority, name its file in SSL_CERT_FILE"
    )


def _refuse_redirect(response: httpx.Response, url: str) -> None:
    """Refuse a redirect, so that the token isn't sent to another address."""
    if response.is_redirect:
        target = response.headers.get("location", "")
        raise Unavailable(
            f"{url} redirects to {target}: log in at the address of FastDeploy itself"
        )


def exchange_code(url: str, code: str, verifier: str) -> str:
    """Return the token for the code of a login.

    Raises ConnectionLost, NotLoggedIn if the code is invalid, and Unavailable if it is
    another server that answers.
    """
    with _explained(url):
        response = httpx.post(
            f"{url}/login/cli/token",
            data={"code": code, "code_verifier": verifier},
            headers={"User-Agent": USER_AGENT},
            verify=ssl.create_default_context(),
        )
    if response.status_code != 200:
        raise_problem(response.status_code, response.content, "")
    body = read_json(response.content, url)
    if not isinstance(body, dict) or "access_token" not in body:
        raise Unavailable(misunderstood(url))
    return str(body["access_token"])

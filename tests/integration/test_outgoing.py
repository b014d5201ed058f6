"""Requests to URLs of users, sent to real servers on this machine."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.domain.outgoing_url import parse_networks
from app.errors import OutgoingFailed, OutgoingRefused
from app.outgoing import send
from testing import http_thread

LOOPBACK = parse_networks("127.0.0.0/8, ::1/128")
CANARY = "hunter2-canary"


class Handler(BaseHTTPRequestHandler):
    """Answers by path, and remembers what it received."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received: list[Any] = self.server.received  # type: ignore[attr-defined]
        received.append((self.path, dict(self.headers), body))
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
        elif self.path == "/large":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"x" * 100_000)
        else:
            self.send_response(201)
            self.send_header("X-Answer", "yes")
            self.end_headers()
            self.wfile.write(b"thanks")

    def log_message(self, *args: object) -> None:
        """Print nothing."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.received = []  # type: ignore[attr-defined]
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with http_thread.serving(server):
        yield server


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    with serving() as server:
        yield server


def test_a_request_arrives_and_its_answer_returns(server: ThreadingHTTPServer) -> None:
    answer = send(
        "POST",
        f"http://localhost:{server.server_port}/ping?a=1",
        headers={"Content-Type": "text/plain"},
        content=b"hello",
        allowed=LOOPBACK,
    )

    path, headers, body = server.received[-1]  # type: ignore[attr-defined]
    assert ("/ping?a=1", b"hello") == (path, body)
    assert f"localhost:{server.server_port}" == headers["Host"]
    assert "text/plain" == headers["Content-Type"]
    assert (201, "yes", b"thanks") == (
        answer.status,
        answer.headers["x-answer"],
        answer.body,
    )


def test_a_redirect_is_an_answer_and_is_not_followed(
    server: ThreadingHTTPServer,
) -> None:
    url = f"http://localhost:{server.server_port}/redirect"

    answer = send("POST", url, allowed=LOOPBACK)

    assert (302, False) == (answer.status, answer.is_success)


def test_a_long_answer_is_cut(server: ThreadingHTTPServer) -> None:
    url = f"http://localhost:{server.server_port}/large"

    answer = send("POST", url, allowed=LOOPBACK, limit=1000)

    assert b"x" * 1000 == answer.body


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"]
)
def test_an_internal_address_receives_nothing(
    server: ThreadingHTTPServer, host: str
) -> None:
    before = len(server.received)  # type: ignore[attr-defined]

    with pytest.raises(OutgoingRefused, match="OUTGOING_PRIVATE") as caught:
        send("POST", f"http://{host}:{server.server_port}/{CANARY}")

    assert before == len(server.received)  # type: ignore[attr-defined]
    assert CANARY not in str(caught.value)


def test_a_name_is_resolved_once_and_the_checked_address_is_used(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second answer of DNS leads elsewhere, and is never asked for."""
    resolve = socket.getaddrinfo
    asked = []

    def changing(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        named = host == "changing.example"
        return resolve("127.0.0.1" if named else host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", changing)

    url = f"http://changing.example:{server.server_port}/"
    answer = send("POST", url, allowed=LOOPBACK)

    assert 201 == answer.status
    assert ["changing.example", "127.0.0.1"] == asked


def test_a_proxy_of_the_environment_is_not_used(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    url = f"http://localhost:{server.server_port}/"

    assert 201 == send("POST", url, allowed=LOOPBACK).status


@contextmanager
def answering(act: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one connection with `act`; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                act(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(30)


def drip(connection: socket.socket) -> None:
    """Send a header byte by byte for as long as the client stays."""
    pause = threading.Event()
    try:
        while True:
            connection.sendall(b"H")
            pause.wait(0.05)
    except OSError:
        return


def hang_up(connection: socket.socket) -> None:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += connection.recv(1000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")


@pytest.mark.parametrize(
    ("act", "timeout", "said"),
    [(drip, 0.5, "didn't answer within 0.5 s"), (hang_up, 60, "was closed")],
)
def test_without_a_complete_answer_it_failed(
    act: Callable[[socket.socket], None], timeout: float, said: str
) -> None:
    with answering(act) as port:
        url = f"http://127.0.0.1:{port}/{CANARY}"
        with pytest.raises(OutgoingFailed, match=said) as caught:
            send("GET", url, timeout=timeout, allowed=LOOPBACK)

    assert CANARY not in str(caught.value)


def test_a_closed_port_and_an_unknown_name_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(OutgoingFailed, match="refused"):
        send("GET", f"http://127.0.0.1:{port}/", allowed=LOOPBACK)
    with pytest.raises(OutgoingFailed, match="can't be resolved"):
        send("GET", "http://missing.invalid/")


def test_a_header_that_would_be_two_is_refused(server: ThreadingHTTPServer) -> None:
    url = f"http://localhost:{server.server_port}/"

    with pytest.raises(OutgoingRefused, match="a header") as caught:
        send("POST", url, headers={"X": f"{CANARY}\r\nY: 1"}, allowed=LOOPBACK)

    assert CANARY not in str(caught.value)


def certify(folder: Path, name: str) -> Path:
    """Write a self-signed certificate for a host, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_the_certificate_has_to_be_that_of_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is verified for the name in the URL, although an address is connected to."""
    file = certify(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    with serving(context) as server:
        port = server.server_port
        assert (
            201 == send("POST", f"https://localhost:{port}/", allowed=LOOPBACK).status
        )
        with pytest.raises(OutgoingFailed, match="certificate isn't valid"):
            send("POST", f"https://127.0.0.1:{port}/", allowed=LOOPBACK)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
        with pytest.raises(OutgoingFailed, match="certificate isn't valid"):
            send("POST", f"https://localhost:{port}/", allowed=LOOPBACK)

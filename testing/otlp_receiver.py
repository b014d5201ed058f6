"""A collector of OpenTelemetry on loopback: it decodes the traces that it receives."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from testing import http_thread


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A decoded span; ids are hexadecimal digits, times seconds since 1970."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: float
    end: float
    attributes: dict[str, str]
    links: list[tuple[str, str]]
    failed: bool


class OtlpReceiver:
    """Keeps what it accepts; while `status` isn't 200, it accepts nothing."""

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []
        self.status = 200
        self.refused = 0
        self.authorizations: set[str] = set()
        self.bodies: list[bytes] = []
        #: While it isn't set, no request is answered.
        self.answers = threading.Event()
        self.answers.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where traces are sent."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1/traces"

    @property
    def trace_ids(self) -> set[str]:
        """The ids of the traces of which a span was received."""
        return {span.trace_id for span in self.spans}

    def named(self, name: str) -> ReceivedSpan:
        """Return the only span with a name."""
        (found,) = (span for span in self.spans if span.name == name)
        return found

    def keep(self, path: str, authorization: str, body: bytes) -> int:
        """Keep a request; return the status of its answer."""
        self.answers.wait()
        if self.status != 200 or path != "/v1/traces":
            self.refused += 1
            return self.status if path == "/v1/traces" else 404
        self.authorizations.add(authorization)
        self.bodies.append(body)
        self.spans += _decode(body)
        return 200

    @contextmanager
    def serving(self) -> Iterator["OtlpReceiver"]:
        """Serve until the end of the context."""
        with http_thread.serving(self._server):
            try:
                yield self
            finally:
                self.answers.set()


def _decode(body: bytes) -> Iterator[ReceivedSpan]:
    request = ExportTraceServiceRequest.FromString(body)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.start_time_unix_nano / 1e9,
                    span.end_time_unix_nano / 1e9,
                    {each.key: each.value.string_value for each in span.attributes},
                    [(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
                    span.status.code == Status.STATUS_CODE_ERROR,
                )


def _handler(receiver: OtlpReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            given = self.headers.get("Authorization", "")
            self.send_response(receiver.keep(self.path, given, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    return Handler

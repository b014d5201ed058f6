"""Send traces to a collector by OTLP over HTTP.

Import it where traces are sent: it loads the SDK of OpenTelemetry, which is in the
extra `tracing`.
"""

from collections.abc import Iterator
from datetime import datetime

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from app import __version__
from app.domain import trace
from app.domain.otlp import parse_headers
from app.domain.trace import span_id_of
from app.settings import Settings
from app.usecases.traces import Trace

#: Seconds after which a request, with the exporter's own retries, has failed.
TIMEOUT = 10.0
#: The number of spans of a request.
_BATCH = 512


class Collector:
    """A collector of OpenTelemetry, by its URL."""

    def __init__(self, settings: Settings) -> None:
        session = requests.Session()
        # No proxy and no .netrc; a collector that redirects hasn't received the spans.
        session.trust_env = False
        session.max_redirects = 0
        self._exporter = OTLPSpanExporter(
            endpoint=settings.otlp_url,
            headers=parse_headers(settings.otlp_headers),
            timeout=TIMEOUT,
            compression=Compression.Gzip,
            session=session,
        )
        self._resource = Resource(
            {
                "service.name": "fastdeploy",
                "service.version": __version__,
                "service.instance.id": settings.node,
            }
        )

    def send(self, traces: list[Trace]) -> str:
        """Send traces; return why it failed, or nothing."""
        spans = [span for each in traces for span in self._spans(each)]
        for first in range(0, len(spans), _BATCH):
            try:
                result = self._exporter.export(spans[first : first + _BATCH])
            except requests.RequestException as error:
                return f"the collector didn't accept them: {type(error).__name__}"
            if result is not SpanExportResult.SUCCESS:
                return "the collector didn't accept them"
        return ""

    def _spans(self, found: Trace) -> Iterator[ReadableSpan]:
        for position, span in enumerate(found.spans):
            links = found.links if position == 0 else ()
            yield ReadableSpan(
                span.name,
                _context(found.trace_id, span.key),
                _context(found.trace_id, span.parent) if span.parent else None,
                self._resource,
                span.attributes,
                links=[Link(_linked(each)) for each in links],
                status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
                start_time=_nanoseconds(span.start),
                end_time=_nanoseconds(max(span.start, span.end)),
                instrumentation_scope=InstrumentationScope("fastdeploy", __version__),
            )


def _context(trace_id: str, key: str) -> SpanContext:
    return _linked(trace.Link(trace_id, span_id_of(trace_id, key)))


def _linked(link: trace.Link) -> SpanContext:
    return SpanContext(
        int(link.trace_id, 16),
        int(link.span_id, 16),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1000

"""Close an HTTP connection whose client doesn't send a request in time.

uvicorn closes a connection that is idle after a response, but neither one that never
sends anything nor one that sends the header of a request byte by byte.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class TimedConnection(H11Protocol):
    """A connection of uvicorn with a timeout for the header of each request.

    `BodyLimit` is the timeout for the body.
    """

    #: Seconds from the start of the connection, or from the previous response, to the
    #: end of a request's header.
    HEADER_SECONDS = 20.0

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Start the timeout of the first request."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Cancel the timeout if the data completes the header."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Start the timeout of the next request."""
        super().on_response_complete()
        self._watch()

    def _watch(self) -> None:
        """Set a deadline while a header is awaited, else cancel it; never extend it."""
        if self.conn.their_state is not h11.IDLE:
            self._cancel()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(
                self.HEADER_SECONDS, self.transport.close
            )

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

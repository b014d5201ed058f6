"""The HTTP connection: uvicorn's, closed if its client sends no request in time.

uvicorn itself closes a connection that is idle after a response, but neither one that
never sends anything nor one that sends the header of a request byte by byte.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class TimedConnection(H11Protocol):
    """A connection with a time limit for the header of each request.

    The time for its body is limited by the application, see `BodyLimit`.
    """

    #: Seconds from the beginning of the connection, or from the response before, to the
    #: end of a request's header.
    HEADER_SECONDS = 20.0

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in data; it may complete the header."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._watch()

    def _watch(self) -> None:
        """Have a deadline exactly while a request is awaited; it isn't extended."""
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

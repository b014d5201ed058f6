"""A response whose content is generated while it is sent."""

from collections.abc import AsyncIterator, Generator

import anyio
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

#: The number of downloads for which a piece is made at once. Each takes a thread and a
#: database connection, which other requests would have to wait for.
PIECES_AT_ONCE = 2


class Download(StreamingResponse):
    """A file for the client to save.

    The generator runs in a thread, one piece at a time, while the download holds one of
    the `places`. It is closed when the response ends, also if the client disconnects
    early.
    """

    def __init__(
        self,
        content: Generator[bytes],
        places: anyio.Semaphore,
        *,
        name: str,
        media_type: str,
    ) -> None:
        super().__init__(
            _pieces(content, places),
            media_type=media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Shielded: when the server stops, it cancels this task.
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._content.close)


async def _pieces(
    content: Generator[bytes], places: anyio.Semaphore
) -> AsyncIterator[bytes]:
    """Yield the pieces; hold a place while one is made, not while it is sent."""
    pieces = aiter(iterate_in_threadpool(content))
    while True:
        async with places:
            piece = await anext(pieces, None)
        if piece is None:
            return
        yield piece

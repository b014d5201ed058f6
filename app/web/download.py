"""A response whose content is generated while it is sent."""

from collections.abc import Generator

import anyio
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class Download(StreamingResponse):
    """A file for the client to save.

    The generator runs in a thread, one piece at a time. It is closed when the response
    ends, also if the client disconnects early.
    """

    def __init__(
        self, content: Generator[bytes], *, name: str, media_type: str
    ) -> None:
        super().__init__(
            iterate_in_threadpool(content),
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

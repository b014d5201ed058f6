"""End a response in progress when its client loses access."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.errors import NotLoggedIn
from app.log import get
from app.store.access_watch import Allowed
from app.store.event_stream import Feed
from app.web.dependencies import actor_of, deps
from app.web.login import LOCAL_ACTOR, still_allowed

log = get("web")

#: Seconds that a response has to end by itself. A stream of events does; a download
#: doesn't, nor does anything whose client reads too slowly.
GRACE = 0.5
_LONG = (FileResponse, StreamingResponse)


def until_revoked(request: Request, response: Response) -> Response:
    """Return a response that ends when the client of a request loses access.

    A response that is sent at once stays as it is.
    """
    if not isinstance(response, _LONG):
        return response
    return _UntilRevoked(response, deps(request).feed, request)


class _UntilRevoked(Response):
    """Sends another response, and breaks it off when the access is revoked.

    The connection is closed before the response is complete: a client that has a part
    of a file must not take it for the whole.
    """

    def __init__(self, response: Response, feed: Feed, request: Request) -> None:
        self._response = response
        self._access = feed.access
        self._allowed: Allowed = still_allowed(request)
        self._streams = deps(request).open_streams
        self._actor = actor_of(request)
        self._expires_at = actor_of(request).expires_at
        self.status_code = response.status_code
        self.raw_headers = response.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response. Raises NotLoggedIn if the access is revoked already."""
        loop = asyncio.get_running_loop()
        timers: list[asyncio.TimerHandle] = []
        sending = anyio.CancelScope()

        async def end() -> None:
            timers.append(loop.call_later(GRACE, sending.cancel))

        watched = self._access.watch(self._allowed, end, self._expires_at)
        async with self._hold(scope):
            with watched, sending:
                # It may have been revoked while the response was made.
                if not await self._access.allows(self._allowed):
                    raise NotLoggedIn("your access has changed; try again")
                try:
                    await self._response(scope, receive, send)
                finally:
                    for timer in timers:
                        timer.cancel()
        if sending.cancelled_caught:
            log.info("response.revoked", path=scope["path"])

    def _hold(self, scope: Scope) -> AbstractAsyncContextManager[None]:
        """Count the response, unless a command on this host gets it."""
        if LOCAL_ACTOR in scope:
            return nullcontext()
        return self._streams.hold(self._actor)

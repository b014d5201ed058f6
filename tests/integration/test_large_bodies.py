"""What the largest body of a request costs the other requests of the process."""

import asyncio
import time

import anyio
import pytest
from starlette.applications import Starlette

from app.domain.access import Permission
from app.store.store import Store
from app.usecases import tokens
from app.web.app import ROUTES
from app.web.middleware import MAX_BODY
from testing.asgi import Client
from testing.factories import ROOT
from testing.routes import fill_path

#: The most processor time in seconds that the event loop may use in one go. It is that
#: of its thread, so other programs and the threads of the requests don't count.
LIMIT = 0.05
FORM = "application/x-www-form-urlencoded"
PART = b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n'
BODIES = {
    "escapes": (FORM, b"a=" + b"%C3%A9" * (MAX_BODY // 6 - 1)),
    "fields": (FORM, b"a=&" * (MAX_BODY // 3)),
    "parts": ("multipart/form-data; boundary=x", PART * (MAX_BODY // len(PART))),
    "boundaries": ("multipart/form-data; boundary=-", b"-" * MAX_BODY),
    "brackets": ("application/json", b"[" * MAX_BODY),
    "objects": ("application/json", b"[" + b'{"a":1},' * (MAX_BODY // 8 - 1) + b"1]"),
    "signs": ("application/json", b'"' + b"\\u00e9" * (MAX_BODY // 6 - 1) + b'"'),
}


@pytest.mark.parametrize(("content_type", "body"), BODIES.values(), ids=BODIES.keys())
def test_the_largest_body_stops_no_other_request(
    web: Starlette, store: Store, content_type: str, body: bytes
) -> None:
    token = tokens.create_token(store, ROOT, "all", tuple(Permission))
    client = Client(web, token)
    longest: dict[str, float] = {}

    async def main() -> None:
        for route in ROUTES:
            if route.method in ("GET", "HEAD"):
                continue
            path = fill_path(route.path, number="4242", text="nothing")
            watch = asyncio.create_task(_watch(longest, f"{route.method} {path}"))
            status, _ = await client.request(
                path.replace("{name:service}", "nothing"),
                route.method,
                body=body,
                content_type=content_type,
            )
            assert status < 500, path
            watch.cancel()

    assert len(body) <= MAX_BODY
    anyio.run(main)

    assert {} == {path: taken for path, taken in longest.items() if taken > LIMIT}


async def _watch(longest: dict[str, float], path: str) -> None:
    """Note the most processor time that passes between two turns of this task."""
    while True:
        begun = time.thread_time()
        await asyncio.sleep(0.001)
        longest[path] = max(longest.get(path, 0.0), time.thread_time() - begun)

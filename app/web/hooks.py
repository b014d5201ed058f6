"""Receive the requests of webhooks."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.usecases import webhook_receipts
from app.web import rate_limit
from app.web.concurrency_limit import place
from app.web.dependencies import deps
from app.web.login import address_of

#: The number of requests that are checked and stored at once; the others wait.
HOOKS_AT_ONCE = 4


async def receive(request: Request) -> Response:
    """POST /hooks/{name}: 202 for a new delivery, 200 for a repeated one."""
    await run_in_threadpool(rate_limit.count_hook, request, address_of(request))
    body = await request.body()
    async with place(deps(request).hook_places, "send webhooks"):
        return await run_in_threadpool(_store, request, body)


def _store(request: Request, body: bytes) -> Response:
    receipt = webhook_receipts.receive(
        deps(request).store,
        deps(request).secret_box,
        request.path_params["name"],
        request.headers,
        body,
        address_of(request),
    )
    content = {
        "delivery": receipt.delivery,
        "state": receipt.state,
        "repeated": receipt.repeated,
        "answer": receipt.answer,
    }
    return JSONResponse(content, 200 if receipt.repeated else 202)

"""The documentation that FastDeploy serves itself, if it is built: `./justw docs`."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)

from app.web.dependencies import deps

#: The query parameters that the built pages use: versions of files, and their search.
TAKES = ("v", "q", "check_keywords", "area", "highlight")
#: Seconds for which a browser uses a file without asking again.
_FRESH = 300


def index(request: Request) -> Response:
    """Show where the documentation begins, or how it is built."""
    folder = deps(request).docs
    return deps(request).renderer.page(
        request, "docs.html", built=_find(folder, "index.html") is not None
    )


def show(request: Request) -> Response:
    """Send a file of the documentation; without it, say how it is built."""
    folder = deps(request).docs
    if not folder.is_dir():
        return RedirectResponse("/docs", 303)
    path = _find(folder, request.path_params["path"])
    if path is None:
        return PlainTextResponse("the documentation has no such page\n", 404)
    return FileResponse(path, headers={"Cache-Control": f"private, max-age={_FRESH}"})


def _find(folder: Path, name: str) -> Path | None:
    """Return the file with this relative path; None if it isn't in the folder."""
    try:
        path = (folder / name).resolve(strict=True)
        inside = path.is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        return None
    return path if inside and path.is_file() else None

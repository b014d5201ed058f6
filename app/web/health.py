"""Health checks: whether the process is alive, and whether it is ready."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.domain.service import Service
from app.errors import Unavailable
from app.log import get
from app.store.migrate import is_current
from app.version import version
from app.web.dependencies import deps

log = get("health")


def healthz(_: Request) -> Response:
    """Return 200: the process is alive."""
    return JSONResponse({"status": "ok", "version": version()})


def readyz(request: Request) -> Response:
    """Return 200 if the database answers and has this version's schema, else 503."""
    try:
        with deps(request).store.begin() as db:
            current = is_current(db)
    except Unavailable as error:
        # The route is public, so only the log contains the address of PostgreSQL.
        log.warning("readyz.unavailable", error=str(error))
        hint = (
            "PostgreSQL is unavailable: check that it runs and that "
            "FASTDEPLOY_DATABASE_URL is right; the log of the web process has the error"
        )
        return JSONResponse({"status": "unavailable", "error": hint}, 503)
    if not current:
        hint = "the database has another schema; run `fastdeploy db migrate`"
        return JSONResponse({"status": "unavailable", "error": hint}, 503)
    return JSONResponse({"status": "ok", "version": version()})


def service_schema(_: Request) -> Response:
    """Return the JSON Schema of config.json."""
    return JSONResponse(Service.model_json_schema())

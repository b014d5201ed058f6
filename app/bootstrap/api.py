"""Assemble the API for a command on FastDeploy's host, without a web process.

It has the handlers of the API alone: no pages, no providers, no built files.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette

from app.bootstrap.dependencies import make_dependencies
from app.settings import Settings
from app.store.store import Store
from app.web.api_routes import ROUTES
from app.web.assets import Assets
from app.web.errors import HANDLERS

#: Unexpected errors aren't answered, so that the command prints their traceback.
_HANDLERS: Mapping[Any, Any] = {
    kind: handler for kind, handler in HANDLERS.items() if kind is not OperationalError
}


def make_api(settings: Settings, store: Store) -> Starlette:
    """Make an application with the routes of the API; it opens nothing."""
    app = Starlette(routes=ROUTES, exception_handlers=_HANDLERS)
    app.state.deps = make_dependencies(settings, store, Assets())
    return app

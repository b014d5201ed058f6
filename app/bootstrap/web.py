"""Assemble the web process."""

from starlette.applications import Starlette

from app import oidc_file, proxy_login_file
from app.bootstrap.dependencies import make_dependencies
from app.errors import BadSetting
from app.oidc_client import OidcClient
from app.settings import Settings
from app.store.engine import make_engine
from app.store.store import Store
from app.web.app import create_app
from app.web.assets import load_assets

#: Database connections of the web process, which its threads share.
WEB_CONNECTIONS = 10
#: The timeout in seconds of a statement of the web process; a search has its own.
WEB_STATEMENT_SECONDS = 15


def make_web(settings: Settings) -> Starlette:
    """Make the web application."""
    engine = make_engine(
        settings,
        connections=WEB_CONNECTIONS,
        statement_seconds=WEB_STATEMENT_SECONDS,
    )
    return create_app(
        make_dependencies(
            settings,
            Store(engine),
            load_assets(),
            providers=_providers(settings),
            proxy_login=proxy_login_file.read(settings),
        )
    )


def _providers(settings: Settings) -> dict[str, OidcClient]:
    """Return the clients of the OpenID providers. Raises BadSetting."""
    providers = oidc_file.read(settings.oidc_file)
    if providers and not settings.base_url:
        raise BadSetting(
            "FASTDEPLOY_OIDC_FILE needs FASTDEPLOY_URL, where users return"
        )
    return {
        id_: OidcClient(provider, f"{settings.base_url}/login/provider/{id_}/callback")
        for id_, provider in providers.items()
    }

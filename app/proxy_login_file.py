"""Read the file of the headers in which a proxy names who has logged in."""

from app import toml_file
from app.domain.proxy_login import ProxyLogin
from app.errors import BadSetting
from app.settings import Settings

_VARIABLE = "FASTDEPLOY_PROXY_LOGIN_FILE"


def read(settings: Settings) -> ProxyLogin | None:
    """Return the headers, None if users can't log in at a proxy. Raises BadSetting."""
    if settings.proxy_login_file is None:
        return None
    if not settings.proxy_secret.get_secret_value() and settings.socket is None:
        raise BadSetting(
            f"{_VARIABLE} needs FASTDEPLOY_PROXY_SECRET or FASTDEPLOY_SOCKET: "
            "otherwise every program on this host could log in as anybody"
        )
    return toml_file.read(_VARIABLE, settings.proxy_login_file, ProxyLogin)

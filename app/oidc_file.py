"""Read the file of OpenID providers."""

from collections.abc import Mapping
from pathlib import Path

from app import toml_file
from app.domain.oidc import Provider, Providers
from app.errors import BadSetting

_VARIABLE = "FASTDEPLOY_OIDC_FILE"


def read(path: Path | None) -> Mapping[str, Provider]:
    """Return the providers in a TOML file by their ids; none without a file.

    Raises BadSetting, without a value of the file.
    """
    if path is None:
        return {}
    if path.exists() and path.stat().st_mode & 0o007:
        raise BadSetting(
            f"{_VARIABLE}: {path} contains a secret, and every user of this "
            f"host may read it: run `chmod o= {path}`"
        )
    return toml_file.read(_VARIABLE, path, Providers).providers

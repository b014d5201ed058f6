"""Read the file of OpenID providers."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from app.domain.oidc import Provider, Providers
from app.domain.validation_messages import sentence
from app.errors import BadSetting


def read(path: Path | None) -> Mapping[str, Provider]:
    """Return the providers in a TOML file by their ids; none without a file.

    Raises BadSetting, without a value of the file.
    """
    if path is None:
        return {}
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(
            f"FASTDEPLOY_OIDC_FILE: {path} can't be read: {error}"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"FASTDEPLOY_OIDC_FILE: {path}: {error}") from None
    if path.stat().st_mode & 0o007:
        raise BadSetting(
            f"FASTDEPLOY_OIDC_FILE: {path} contains a secret, and every user of this "
            f"host may read it: run `chmod o= {path}`"
        )
    try:
        return Providers.model_validate(content).providers
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {sentence(each)}"
            for each in error.errors(include_input=False, include_url=False)
        )
        raise BadSetting(f"FASTDEPLOY_OIDC_FILE: {path}: {problems}") from None

"""The version that a deployment deploys, according to its launch variables."""

from collections.abc import Mapping
from typing import Any

from app.domain.service import Service
from app.domain.variables import as_text

_NAME, _ENDING = "version", "_version"


def version_of(service: Service, variables: Mapping[str, Any]) -> str:
    """Return the value of `version`, or of the only variable that ends in `_version`.

    Returns an empty text if there is none or if it is a secret.
    """
    known = [name for name in service.properties if name not in service.secret_names]
    named = [name for name in known if name.endswith(_ENDING)]
    if _NAME in known:
        named = [_NAME]
    if len(named) != 1 or variables.get(named[0]) is None:
        return ""
    return as_text(variables[named[0]])

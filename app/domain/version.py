"""The version that a deployment deploys, according to its launch variables."""

from collections.abc import Mapping
from typing import Any

from app.domain import secret_names
from app.domain.variables import as_text

_NAME, _ENDING = "version", "_version"


def version_of(schema: dict[str, Any], variables: Mapping[str, Any]) -> str:
    """Return the value of `version`, or of the only variable that ends in `_version`.

    `schema` is that of the variables. Returns an empty text if there is none or if it
    is a secret.
    """
    named = [
        name
        for name in schema.get("properties", {})
        if name == _NAME or name.endswith(_ENDING)
    ]
    if named:
        secrets = secret_names.among(schema)
        named = [name for name in named if name not in secrets]
    if _NAME in named:
        named = [_NAME]
    if len(named) != 1 or variables.get(named[0]) is None:
        return ""
    return as_text(variables[named[0]])

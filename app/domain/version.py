"""The version that a deployment deploys, according to its launch variables."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from app.domain import secret_names
from app.domain.variables import as_text

_NAME, _ENDING = "version", "_version"


def version_of(schema: dict[str, Any], variables: Mapping[str, Any]) -> str:
    """Return the value of `version`, or of the only variable that ends in `_version`.

    `schema` is that of the variables. Returns an empty text if there is none or if it
    is a secret.
    """
    return _value(_variable_of(schema), variables)


def version_by_json(schema: str, variables: Mapping[str, Any]) -> str:
    """Return the same for a schema as JSON, which is parsed once."""
    return _value(_variable_by_json(schema), variables)


@lru_cache(1000)  # lists of services have the same schemas each time
def _variable_by_json(schema: str) -> str:
    return _variable_of(json.loads(schema))


def _variable_of(schema: dict[str, Any]) -> str:
    """Return the name of the variable with the version; empty if there is none."""
    named = [
        name
        for name in schema.get("properties", {})
        if name == _NAME or name.endswith(_ENDING)
    ]
    if named:
        secrets = secret_names.among(schema)
        named = [name for name in named if name not in secrets]
    if _NAME in named:
        return _NAME
    return named[0] if len(named) == 1 else ""


def _value(name: str, variables: Mapping[str, Any]) -> str:
    value = variables.get(name) if name else None
    return "" if value is None else as_text(value)

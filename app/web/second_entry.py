"""The second input of a launch variable that has to be entered twice."""

from collections.abc import Mapping
from typing import Any

from app.domain.prompt_variables import CONFIRM
from app.domain.service import Service

#: Prefix of these inputs among a form's fields.
PREFIX = "confirm."


def name_of(name: str, schema: Mapping[str, Any]) -> str:
    """Return the name of the second input of a variable; empty if it has none."""
    return f"{PREFIX}{name}" if schema.get(CONFIRM) is True else ""


def problems(service: Service, form: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """Return the problem of each variable whose two inputs differ.

    `prefix` is that of the first inputs.
    """
    return {
        name: "is not the same in both fields; enter it again"
        for name, schema in service.properties.items()
        if (second := name_of(name, schema))
        and form.get(f"{prefix}{name}", "") != form.get(second, "")
    }

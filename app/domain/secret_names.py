"""Find the secret launch variables in a JSON Schema: those that may be writeOnly."""

from collections.abc import Iterator
from typing import Any


def among(variables: dict[str, Any]) -> frozenset[str]:
    """Return the secrets of a schema: those with `writeOnly` anywhere in their own."""
    # References aren't resolved: this may hide too much, but never too little.
    elsewhere = hides(variables)
    return frozenset(
        name
        for name, spec in variables.get("properties", {}).items()
        if hides(spec)
        or (elsewhere and refers(spec))
        or hides_from_outside(variables, name)
    )


def hides(schema: Any) -> bool:
    """Return whether any part of a schema is writeOnly."""
    return any(part.get("writeOnly") is True for part in _parts(schema))


def hides_from_outside(schema: dict[str, Any], name: str) -> bool:
    """Return whether a schema outside `properties` may make a variable a secret.

    Such schemas are in `allOf`, `if` or `patternProperties`. Patterns and conditions
    aren't evaluated.
    """
    outside = {key: part for key, part in schema.items() if key != "properties"}
    return any(
        hides(part.get("patternProperties"))
        or (
            isinstance(inner := part.get("properties"), dict) and hides(inner.get(name))
        )
        for part in _parts(outside)
    )


def refers(schema: Any) -> bool:
    """Return whether any part of a schema is a reference."""
    return any("$ref" in part or "$dynamicRef" in part for part in _parts(schema))


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a schema, starting with the schema itself."""
    pending = [schema]
    while pending:
        match pending.pop():
            case dict() as part:
                yield part
                pending.extend(part.values())
            case list() as items:
                pending.extend(items)

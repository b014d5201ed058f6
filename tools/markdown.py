"""Format Markdown for the generated pages of docs/reference."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def page(title: str, *parts: str) -> str:
    """Return a page with a title and paragraphs; empty paragraphs are left out."""
    return "\n\n".join((f"# {title}", *(part for part in parts if part))) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; line breaks in cells become spaces, and pipes are escaped."""
    lines = [_row(head), "|" + "---|" * len(head), *(_row(row) for row in rows)]
    return "\n".join(lines)


def fields(schema: Mapping[str, Any]) -> str:
    """Return a table of the properties of an object's JSON Schema."""
    required = schema.get("required", [])
    rows = [
        (
            f"`{name}`",
            kind(of),
            " ".join(
                (of.get("description", ""), _limits(of, required=name in required))
            ).strip(),
        )
        for name, of in schema.get("properties", {}).items()
    ]
    return table(("field", "type", "what it is"), rows)


def kind(schema: Mapping[str, Any]) -> str:
    """Describe the type of a value by its JSON Schema."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(
            f"`{value}`" if value else "empty" for value in schema["enum"]
        )
    if "const" in schema:
        return f"`{schema['const']}`"
    match schema.get("type"):
        case "array":
            return f"list of {kind(schema['items'])}" if "items" in schema else "list"
        case "object":
            named = schema.get("patternProperties", {})
            inner = next(iter(named.values()), schema.get("additionalProperties"))
            return f"object of {kind(inner)}" if isinstance(inner, dict) else "object"
        case "string" if schema.get("format") == "date-time":
            return "time"
        case None:
            return "any"
        case name:
            return str(name)


def _limits(schema: Mapping[str, Any], *, required: bool) -> str:
    said = ["Required."] if required else []
    default = schema.get("default")
    if default and not isinstance(default, dict):
        said.append(f"Default: `{default}`.")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        said.append(f"{low} to {high}.")
    elif low is not None:
        said.append(f"At least {low}.")
    if "maxLength" in schema:
        said.append(f"At most {schema['maxLength']} characters.")
    return " ".join(said)


def _row(cells: Sequence[str]) -> str:
    plain = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
    return f"| {' | '.join(plain)} |"

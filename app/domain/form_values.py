"""Parse lists and objects from form fields: JSON, YAML, or one text per line."""

import re
from typing import Any

import orjson
import yaml


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML ships no types.
    """A loader for YAML with JSON's types: without dates, octal numbers, yes or no."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as PyYAML has it

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Reject aliases: a few lines of them can expand to gigabytes of JSON."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)


for _tag, _pattern, _first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", list("-0123456789")),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
    )


def structure(text: str) -> Any:
    """Parse a JSON value, or a list or object in YAML.

    Raises ValueError for any other text.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 - it is a SafeLoader
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("is neither JSON nor YAML") from error
    if not isinstance(found, list | dict):
        raise ValueError("is neither a list nor an object")  # noqa: TRY004 - of a text
    return found


def texts(text: str) -> list[Any]:
    """Parse a JSON list, or one text per line without the blank lines."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if isinstance(found, list):
        return found
    return [line.strip() for line in text.splitlines() if line.strip()]


def as_lines(value: Any) -> str | None:
    """Format a list of texts as lines; None if `texts` would parse another value."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    lines = "\n".join(value)
    return lines if texts(lines) == value else None

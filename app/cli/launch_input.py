"""The variables and options of `fastdeploy deploy`, from its options and a file."""

import json
import sys
from pathlib import Path

from app.domain.options import Options, from_texts
from app.errors import Invalid

#: Standard input as a file name: the file of root need not be readable to others.
STDIN = Path("-")


def key_values(options: list[str]) -> dict[str, str]:
    """Split the values of `-e key=value`. Raises Invalid."""
    pairs = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key:
            raise Invalid(f"-e takes key=value, not {option!r}")
        pairs[key] = value
    return pairs


def options_from(**given: bool | int | str | list[str] | None) -> Options:
    """Return the options of ansible-playbook that were given; None wasn't.

    Raises InvalidFields.
    """
    texts = {}
    for name, value in given.items():
        if isinstance(value, list):
            texts[name] = ",".join(value)
        elif value is not None:
            texts[name] = "true" if value is True else str(value)
    return from_texts(texts)


def json_object(path: Path | None) -> dict[str, object]:
    """Read a JSON object from a file or standard input. Raises Invalid."""
    if path is None:
        return {}
    try:
        content = json.loads(sys.stdin.read() if path == STDIN else path.read_text())
    except (OSError, ValueError) as error:
        raise Invalid(f"{path} can't be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise Invalid(f"{path} must hold a JSON object")
    return content

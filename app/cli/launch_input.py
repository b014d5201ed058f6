"""The variables and options of `fastdeploy deploy`, from its options and a file."""

import getpass
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from app.domain.credential import require_reference
from app.domain.options import Options, from_texts
from app.errors import Invalid
from app.runner.credential_kinds import FIELDS

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


def key_files(options: list[str]) -> dict[str, str]:
    """Read the files of `--extra-file key=FILE`, or standard input. Raises Invalid."""
    pairs = {}
    for option in options:
        key, equals, name = option.partition("=")
        if not equals or not key or not name:
            raise Invalid(f"--extra-file takes key=FILE, not {option!r}")
        pairs[key] = read_text(Path(name))
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


def read_text(path: Path) -> str:
    """Read a text from a file, or from standard input for `-`. Raises Invalid."""
    try:
        return sys.stdin.read() if path == STDIN else path.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Invalid(f"{path} isn't text in UTF-8") from None


def one_line(text: str) -> str:
    """Remove the line break with which an editor or `echo` ends a file."""
    return text.removesuffix("\n").removesuffix("\r")


def main_field(reference: str, path: Path | None) -> dict[str, str]:
    """Read the main field of a credential from a file, standard input or a prompt.

    Without a path, a terminal is asked without echo. Raises Invalid.
    """
    kind, _ = require_reference(reference)
    name = FIELDS[kind][0]
    if path is None and sys.stdin.isatty():
        if name == "private_key":
            raise Invalid(f"give {reference} the file with its private key")
        return {name: getpass.getpass(f"{reference}, {name}: ")}
    text = read_text(path or STDIN)
    return {name: text if name == "private_key" else one_line(text)}


def asked_credentials(
    asked: Sequence[str], options: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Read the credentials that a launch asks for: by their options, or by a prompt.

    Raises Invalid, also for a value on the command line, which other users can see.
    """
    given = {}
    for option in options:
        reference, _, source = option.partition("=")
        if source != "-" and not source.startswith("@"):
            raise Invalid(
                f"--credential takes {reference}=@FILE or {reference}=-: a value on "
                "the command line can be seen by other users"
            )
        given[reference] = main_field(reference, Path(source.removeprefix("@")))
    for reference in asked:
        if reference not in given and sys.stdin.isatty():
            given[reference] = main_field(reference, None)
    for reference, value in given.items():
        if "private_key" in value and sys.stdin.isatty():
            value["passphrase"] = getpass.getpass(
                f"{reference}, passphrase (empty for none): "
            )
    return given

"""The options of ansible-playbook that a launch may set, and their rules.

They reach ansible-playbook as `--option=value`, so a value that begins with `-` can't
become another option.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

#: Maximum number of times that `-v` may be given; Ansible has no further levels.
MAX_VERBOSITY = 6
#: Maximum of `--forks`: each fork is a process on the node.
MAX_FORKS = 1000
#: Maximum characters of a text, and maximum number of tags.
MAX_TEXT, MAX_TAGS = 2000, 100


def find_problem(name: str, value: object) -> str:
    """Return why an option can't have a value; empty if it can."""
    rule = _RULES.get(name)
    return rule(value) if rule else f"is not one of {', '.join(_RULES)}"


def arguments(options: Mapping[str, Any]) -> list[str]:
    """Return the arguments of ansible-playbook for options by name, in a fixed order.

    An option that is false, empty or None has no argument.
    """
    found = []
    for name in NAMES:
        value = options.get(name)
        flag = f"--{name.replace('_', '-')}"
        if not value:
            continue
        if name == "verbosity":
            found.append(f"-{'v' * value}")
        elif value is True:
            found.append(flag)
        else:
            text = ",".join(value) if isinstance(value, list | tuple) else value
            found.append(f"{flag}={text}")
    return found


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _number(most: int) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value is None or (
            isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most
        ):
            return ""
        return f"must be a whole number from 1 to {most}"

    return check


def _verbosity(value: object) -> str:
    if isinstance(value, bool) or value != 0:
        return _number(MAX_VERBOSITY)(value) if value is not None else "must be 0"
    return ""


def _text(value: object) -> str:
    if not isinstance(value, str):
        return "must be a text"
    if len(value) > MAX_TEXT:
        return f"must have at most {MAX_TEXT} characters"
    if value and not value.strip():
        return "must not be blank"
    return "" if value.isprintable() else "must have printable characters only"


def _limit(value: object) -> str:
    """Check a host pattern.

    Ansible reads a part that begins with `@` from a file, and takes a pattern without
    any name, or with an unbalanced bracket, for all hosts (ansible-core 2.19 and 2.21).
    """
    if (problem := _text(value)) or not value:
        return problem
    assert isinstance(value, str), "a text, as checked above"
    parts = [part.lstrip("!&") for part in re.split(r"[,:\s]+", value) if part]
    if any(part.startswith("@") for part in parts):
        return "must not name a file: remove the part that begins with @"
    if "" in parts:
        return "must have a host or group after each ! and &"
    if not re.search(r"\w", value):
        return "must name a host or a group"
    if value.count("[") != value.count("]"):
        return "must close each bracket"
    return ""


def _tags(value: object) -> str:
    if not isinstance(value, list | tuple):
        return "must be a list of tags"
    if len(value) > MAX_TAGS:
        return f"must have at most {MAX_TAGS} tags"
    for tag in value:
        if problem := _text(tag):
            return f"each tag {problem}"
        if not tag or "," in tag or tag != tag.strip():
            return "must have tags without commas and outer blanks"
    return ""


_RULES: Mapping[str, Callable[[object], str]] = {
    "check": _flag,
    "diff": _flag,
    "limit": _limit,
    "tags": _tags,
    "skip_tags": _tags,
    "start_at_task": _text,
    "forks": _number(MAX_FORKS),
    "verbosity": _verbosity,
}
#: The options, in the order of their arguments.
NAMES = tuple(_RULES)

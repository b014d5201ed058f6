"""The text of a message, which no receiver interprets: output of runs is hostile."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain import escapes

#: The maximum length of a message's text. Discord accepts 2,000 characters.
MAX_TEXT = 1900
MAX_TITLE = 180
_MAX_LINE = 200
_MAX_MESSAGE = 400
_CUT = "…"
#: Look-alikes of the characters with which HTML and Slack begin and end their markup.
_MARKUP = str.maketrans({"<": "\u2039", ">": "\u203a", "`": "\u02cb"})
#: A name behind @ would be notified.
_MENTION = re.compile(r"@(?=\w)")
#: Links, images and their definitions in Markdown.
_LINK = re.compile(r"\](?=[(\[:])")


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: a title of one line and a text; the data are for a webhook."""

    title: str
    text: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailureText:
    """A failure as a message names it; `lines` are the output around it."""

    host: str
    step: str
    task: str
    message: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class ChangeText:
    """A value that differs since the last success: a commit, a variable, an option."""

    name: str
    before: str | None
    now: str | None

    def __str__(self) -> str:
        """Return it as "version: 1.0 → 1.1"."""
        before, now = (
            "none" if each is None else _cut(each.replace("\n", " "), 60)
            for each in (self.before, self.now)
        )
        return f"{self.name}: {before} → {now}"


def readable(text: str) -> str:
    """Return a text without escape sequences, control and invisible characters."""
    return "".join(
        char
        for char in escapes.strip(text).replace("\t", " ")
        if char == "\n" or not unicodedata.category(char).startswith("C")
    )


def plain(text: str) -> str:
    """Return a text that neither HTML, Slack nor Markdown takes for markup.

    It mentions nobody, has no link behind other words and loads no image. A URL stays
    readable.
    """
    text = readable(text).translate(_MARKUP)
    return _LINK.sub("] ", _MENTION.sub("@\u2060", text))


def one_line(text: str) -> str:
    """Return a plain text for a title, such as the subject of a mail."""
    return _cut(" ".join(plain(text).split()), MAX_TITLE)


def name_hosts(hosts: Sequence[str], most: int = 3) -> str:
    """Name the first hosts, and count the others: "web1, web2 and 28 more"."""
    more = len(hosts) - most
    return ", ".join(hosts[:most]) + (f" and {more} more" if more > 0 else "")


def compose(
    about: str,
    link: str,
    failures: Sequence[FailureText],
    more: int,
    passed: str,
    changes: Sequence[ChangeText | str],
) -> str:
    """Compose the text; what doesn't fit is cut, never the link.

    Args:
        about: What happened.
        link: The address of the deployment's page; empty if it isn't known.
        failures: The failures to name.
        more: The number of failures that aren't named.
        passed: When it last passed, or what `changes` are.
        changes: What has changed since then.
    """
    head = [plain(_cut(about, _MAX_MESSAGE)), *filter(None, [link])]
    since = [plain(passed)] if passed else []
    since += [f"  {plain(str(each))}" for each in changes[:10]]
    since += [f"  and {len(changes) - 10} more"] if changes[10:] else []
    parts = ["\n".join(head), "\n".join(since), *map(_failure, failures)]
    if more:
        parts.append(f"and {more} more failures")
    return _cut("\n\n".join(filter(None, parts)), MAX_TEXT)


def _failure(one: FailureText) -> str:
    place = ", ".join(
        f"{kind} {_cut(name, 100)}"
        for kind, name in (("host", one.host), ("task", one.task or one.step))
        if name
    )
    lines = [f"{place}:" if place else "", _cut(one.message, _MAX_MESSAGE)]
    lines += [f"  {_cut(line, _MAX_LINE)}" for line in one.lines if line.strip()]
    return plain("\n".join(filter(None, lines)))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - len(_CUT)] + _CUT

"""The error with which Ansible ended a run itself, read from what it printed.

ansible-core 2.19 and later print it as a block of lines:

    [ERROR]: couldn't resolve module/action 'no_such_module'. …
    Origin: /srv/shop/site.yml:5:7

    3   gather_facts: false
    …

Several lines may come before `Origin:`, and there is none where Ansible knows no place.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from app.domain import escapes

#: The beginning of such a block in a line as it was printed, as a regular expression of
#: both Python and PostgreSQL.
BEGINNING = r"^(\x1b\[[0-9;]*m)*\[ERROR\]: "
#: Lines before and behind the beginning that `find` needs: a failed inventory is
#: explained by warnings before it.
BEFORE, BEHIND = 200, 20

_ERROR, _WARNING, _ORIGIN = "[ERROR]: ", "[WARNING]: ", "Origin: "
#: What ends the sentence, besides an empty line.
_ENDS = (_ERROR, _WARNING, _ORIGIN, "<<< caused by >>>", "Traceback (most recent")
#: Ansible says so if every inventory failed; why they did is in its warnings.
_NO_INVENTORY = "No inventory was parsed"
_INVENTORY_FAILED = ("Failed to parse inventory", "Unable to parse")


@dataclass(frozen=True, slots=True)
class AnsibleError:
    """What Ansible said, and where: `origin` is path:line:column, or empty."""

    sentence: str
    origin: str = ""

    def __str__(self) -> str:
        """The error as a sentence for a person."""
        return f"{self.sentence} ({self.origin})" if self.origin else self.sentence


def find(printed: Sequence[str]) -> AnsibleError | None:
    """Return the last error in these lines, or None if there is none."""
    lines = [escapes.strip(line).rstrip() for line in printed]
    starts = [at for at, line in enumerate(lines) if line.startswith(_ERROR)]
    if not starts:
        return None
    found = _block(lines, starts[-1], _ERROR)
    if found.sentence.startswith(_NO_INVENTORY):
        return inventory_failure(lines[: starts[-1]]) or found
    return found


def inventory_failure(printed: Sequence[str]) -> AnsibleError | None:
    """Return why the first inventory failed, from Ansible's warnings in these lines."""
    lines = [escapes.strip(line).rstrip() for line in printed]
    for beginning in _INVENTORY_FAILED:
        for at, line in enumerate(lines):
            if line.startswith(_WARNING + beginning):
                return _block(lines, at, _WARNING)
    return None


def _block(lines: Sequence[str], at: int, beginning: str) -> AnsibleError:
    first = lines[at].removeprefix(beginning)
    more = list(takewhile(_is_sentence, lines[at + 1 :]))
    text = re.sub(r"\s+", " ", " ".join((first, *more))).strip()
    return AnsibleError(text, _origin(lines[at + 1 + len(more) :], text))


def _is_sentence(line: str) -> bool:
    return bool(line) and not line.startswith(_ENDS)


def _origin(lines: Sequence[str], sentence: str) -> str:
    """Return the first origin in the rest of a block that the sentence doesn't name."""
    for line in lines:
        if line.startswith((_ERROR, _WARNING)):
            break
        if line.startswith(_ORIGIN):
            origin = line.removeprefix(_ORIGIN)
            return "" if origin in sentence else origin
    return ""

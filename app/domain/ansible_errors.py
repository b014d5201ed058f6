"""Parse the error with which Ansible aborted a run from its output.

ansible-core 2.19 and later print it as a block of lines:

    [ERROR]: couldn't resolve module/action 'no_such_module'. …
    Origin: /srv/shop/site.yml:5:7

    3   gather_facts: false
    …

The message may span several lines before `Origin:`. Ansible omits `Origin:` if it
doesn't know the source of the error.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from app.domain import escapes

#: Regular expression for the first line of such a block, valid in both Python and
#: PostgreSQL.
BEGINNING = r"^(\x1b\[[0-9;]*m)*\[ERROR\]: "
#: Number of lines before and after the first line that `find` needs: warnings before
#: it explain why an inventory failed.
BEFORE, BEHIND = 200, 20

_ERROR, _WARNING, _ORIGIN = "[ERROR]: ", "[WARNING]: ", "Origin: "
#: Prefixes of lines that end the message, as an empty line does.
_ENDS = (_ERROR, _WARNING, _ORIGIN, "<<< caused by >>>", "Traceback (most recent")
#: Ansible's message if every inventory failed; its warnings contain the reasons.
_NO_INVENTORY = "No inventory was parsed"
_INVENTORY_FAILED = ("Failed to parse inventory", "Unable to parse")


@dataclass(frozen=True, slots=True)
class AnsibleError:
    """An error of Ansible; `origin` is path:line:column, or empty."""

    sentence: str
    origin: str = ""

    def __str__(self) -> str:
        """Return the error as a sentence."""
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
    """Find the first warning of Ansible about an inventory that failed to parse."""
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
    """Return the first origin of a block; empty if the sentence already contains it."""
    for line in lines:
        if line.startswith((_ERROR, _WARNING)):
            break
        if line.startswith(_ORIGIN):
            origin = line.removeprefix(_ORIGIN)
            return "" if origin in sentence else origin
    return ""

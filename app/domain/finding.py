"""What the doctor finds: one thing that was looked at, and how to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    #: As it must be, or of no concern here.
    OK = "ok"
    #: Deployments work; something is weaker than it looks, or couldn't be seen.
    WARNING = "warning"
    #: Deployments fail, or the boundary between the users is open.
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about one thing; `mend` is the command that mends it, as root."""

    level: Level
    about: str
    sentence: str
    mend: str = ""


def sick(findings: Iterable[Finding]) -> bool:
    """Whether one of them is a problem."""
    return any(found.level is Level.PROBLEM for found in findings)

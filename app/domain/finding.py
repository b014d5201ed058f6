"""A finding of the doctor: the result of one check, and the command that fixes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The severity of a finding."""

    #: As required, or not applicable on this host.
    OK = "ok"
    #: Deployments work; a protection is weaker than it seems, or couldn't be checked.
    WARNING = "warning"
    #: Deployments fail, or the boundary between the users is open.
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `fix` is the command that fixes it, run as root."""

    level: Level
    subject: str
    message: str
    fix: str = ""


def healthy(findings: Iterable[Finding]) -> bool:
    """Return whether none of the findings is a problem."""
    return all(finding.level is not Level.PROBLEM for finding in findings)

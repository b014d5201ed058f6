"""The findings of the doctor, as the API returns them."""

from app.domain.finding import Level
from app.web.schemas import Body


class FindingBody(Body):
    """A finding of the doctor."""

    level: Level
    subject: str
    message: str
    fix: str
    """The command that fixes it, run as root; empty if there is none."""


class ReportBody(Body):
    """The findings of the doctor on the host of the web process."""

    host: str
    healthy: bool
    """Whether no finding is a problem."""
    findings: list[FindingBody]

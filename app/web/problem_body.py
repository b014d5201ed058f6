"""The body of an error of the API."""

from pydantic import Field

from app.web.schemas import Body

#: The media type of a ProblemBody.
PROBLEM = "application/problem+json"


class LaunchFactBody(Body):
    """A fact about a launch that has to be confirmed."""

    name: str
    """What it is about, such as `service`, `hosts` or `variable version`."""
    text: str


class ProblemBody(Body):
    """An error, as a problem of RFC 9457."""

    title: str
    """The meaning of the status."""
    status: int
    """The status of the response."""
    detail: str
    """The error as a sentence."""
    error: str
    """The same as `detail`."""
    problems: dict[str, str] = Field(default_factory=dict)
    """The errors by variable or field."""
    launch: list[LaunchFactBody] = Field(default_factory=list)
    """What a launch would do that has to be confirmed first; empty for other errors."""

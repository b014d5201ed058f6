"""The field of a launch form for the revision of a git project."""

from collections.abc import Sequence

from app.runner.git_refs import Ref
from app.web.forms import Field


def field(refs: Sequence[Ref], sent: str, problem: str) -> Field:
    """Return the field for the branch, tag or commit of a git project.

    Args:
        refs: The branches and tags to suggest.
        sent: The value of a submitted form; empty means the default branch.
        problem: The error in it.
    """
    return Field(
        name="ref",
        label="Branch, tag or commit",
        help="Empty: the newest commit of the default branch.",
        kind="text",
        value=sent,
        problem=problem,
        suggestions=tuple(
            (ref.short, f"{ref.commit[:10]} {ref.subject}") for ref in refs
        ),
    )

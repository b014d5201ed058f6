"""A push to a repository, and the rules that say what it launches."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.domain.options import NO_OPTIONS, Options
from app.domain.service_name import PART

BRANCHES = "refs/heads/"
TAGS = "refs/tags/"


@dataclass(frozen=True, slots=True)
class Push:
    """A branch or tag that was created or moved."""

    #: The full name of the branch or tag.
    ref: str
    #: The commit that it names now, or an annotated tag.
    commit: str
    #: The commit that it named before; empty if it is new, or that is unknown.
    before: str = ""

    @property
    def values(self) -> Mapping[str, str]:
        """What a rule can set a launch variable to; `branch` or `tag` is missing."""
        values = {"ref": self.ref, "commit": self.commit}
        for name, folder in (("branch", BRANCHES), ("tag", TAGS)):
            if self.ref.startswith(folder):
                values[name] = self.ref.removeprefix(folder)
        return values


def _require_pathspec(value: str) -> str:
    parts = value.split("/")
    if value.startswith("/") or ".." in parts or not value.isprintable():
        raise ValueError(
            'must be a pattern inside of the repository, such as "roles/**"'
        )
    return value


class PushRule(BaseModel):
    """Which pushes launch a service, and with which variables and options."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            description="A pattern of branches, such as `main` or `release/*`; of "
            "tags, `refs/tags/v*`. `*` also matches a slash.",
        ),
    ]
    paths: Annotated[
        tuple[
            Annotated[
                str,
                Field(min_length=1, max_length=255),
                AfterValidator(_require_pathspec),
            ],
            ...,
        ],
        Field(
            max_length=100,
            description="Patterns of files, as git's glob pathspecs: only a push that "
            "changes one of them launches. Empty: every push.",
        ),
    ] = ()
    environment: Annotated[
        str,
        Field(
            pattern=f"^(?:{PART})?$",
            description="The environment that is deployed, if the service has several.",
        ),
    ] = ""
    variables: Annotated[
        dict[str, Any],
        Field(description="Launch variables. Secrets can't be set."),
    ] = {}
    from_push: Annotated[
        dict[str, Literal["ref", "branch", "tag", "commit"]],
        Field(
            description="Launch variables that are set to a value of the push, by "
            "name. A push of a tag has no branch, and the other way round: the "
            "variable isn't set then."
        ),
    ] = {}
    options: Annotated[Options, Field(description="Options of ansible-playbook.")] = (
        NO_OPTIONS
    )

    def matches(self, ref: str) -> bool:
        """Return whether a push to a branch or tag, as a full name, is meant."""
        pattern = self.ref if self.ref.startswith("refs/") else BRANCHES + self.ref
        return fnmatchcase(ref, pattern)

    def given(self, push: Push) -> dict[str, Any]:
        """Return the launch variables for a push."""
        values = push.values
        pushed = {
            name: values[wanted]
            for name, wanted in self.from_push.items()
            if wanted in values
        }
        return self.variables | pushed


#: The rules of a service.
PushRules = Annotated[
    tuple[PushRule, ...],
    Field(
        max_length=100,
        description="What a push to the repository of its project launches, by a "
        "webhook. The first rule that matches is used.",
    ),
]

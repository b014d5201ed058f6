"""The references of credentials, as a service declares them: `kind:name`."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.runner import credential_references
from app.runner.credential_kinds import REFERENCE, Kind, variable_of


def split(reference: str) -> tuple[Kind, str]:
    """Return the kind and the name of a credential. Raises ValueError."""
    match = REFERENCE.fullmatch(reference)
    if match is None:
        kinds = ", ".join(Kind)
        raise ValueError(
            f'{reference!r} is not a credential such as "ssh:prod": a kind '
            f"({kinds}), a colon, and a name of a-z, 0-9, _, . and -"
        )
    kind, name = Kind(match["kind"]), match["name"]
    if kind is Kind.TOKEN and (
        problem := credential_references.token_problem(variable_of(name))
    ):
        raise ValueError(f"{reference}: {problem}")
    return kind, name


def require_declarable(references: tuple[str, ...]) -> tuple[str, ...]:
    """Return the credentials that a service declares. Raises ValueError."""
    if problem := credential_references.find_problem(list(references)):
        raise ValueError(problem)
    return references


#: The key `credentials` of a service.
Credentials = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=80)], ...],
    Field(
        max_length=50,
        description="The credentials that its runs need, such as `ssh:prod`, "
        "`become:prod` or `vault:default`. In fastdeploy.yml, those of the defaults, "
        "the service and the environment are united.",
    ),
    AfterValidator(require_declarable),
]


def missing(reference: str) -> str:
    """Return the sentence about a credential that a service needs."""
    return (
        f"needs the credential {reference}: add it on the page Credentials or with "
        f"`fastdeploy credential add {reference}`"
    )

"""The references of credentials, as a service declares them: `kind:name`."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

from app.runner import environment
from app.runner.credential_kinds import OF_RUNS, REFERENCE, Kind, variable_of

#: Variables that change which programs run, or what these load: no token sets them.
_LOADERS = (
    "ANSIBLE_", "BASH_", "DYLD_", "GCONV_", "GIT_", "LD_", "PERL5", "PYTHON", "SSH_",
)  # fmt: skip
_OF_PROGRAMS = environment.INHERITED | {
    "ENV", "NODE_OPTIONS", "NODE_PATH", "PATH", "PS4", "RUBYLIB", "RUBYOPT",
    "SHELLOPTS",
}  # fmt: skip
#: Kinds of which a run can have one only.
_SINGLE = (Kind.BECOME, Kind.PASSWORD)


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
    if kind is Kind.TOKEN and (problem := _variable_problem(name)):
        raise ValueError(f"{reference}: {problem}")
    return kind, name


def require_declarable(references: tuple[str, ...]) -> tuple[str, ...]:
    """Return the credentials that a service declares. Raises ValueError."""
    kinds = []
    for reference in references:
        kind, _ = split(reference)
        if kind not in OF_RUNS:
            raise ValueError(f"{reference} is for a project's repository: remove it")
        kinds.append(kind)
    if len(references) != len(set(references)):
        raise ValueError("must name each credential once")
    for kind in _SINGLE:
        if kinds.count(kind) > 1:
            raise ValueError(f'a run can have one credential "{kind}:…" only')
    variables = _tokens(references)
    if len(variables) != len(set(variables)):
        raise ValueError("two of the tokens have the same environment variable")
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


def _tokens(references: Iterable[str]) -> list[str]:
    pairs = [split(reference) for reference in references]
    return [variable_of(name) for kind, name in pairs if kind is Kind.TOKEN]


def _variable_problem(name: str) -> str:
    variable = variable_of(name)
    if problem := environment.find_problem(variable, ""):
        return problem
    if variable in _OF_PROGRAMS or variable.startswith(_LOADERS):
        return (
            f"{variable} changes which programs a run starts or how: choose another "
            "name"
        )
    return ""

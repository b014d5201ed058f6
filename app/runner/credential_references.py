"""Check the list of credentials that a service or an environment names."""

import re
from collections import Counter
from collections.abc import Mapping

from . import environment
from .credential_kinds import GIT_KINDS, REFERENCE, Kind, variable_of

#: The kinds of which a run uses one: Ansible takes one password for all hosts.
_SINGLE = (Kind.BECOME, Kind.PASSWORD)
#: Variables that decide which code a program loads or runs, and those that connect a
#: run with its files. A token that is one of them would be more than a value.
_LOADING = re.compile(
    "LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|GLIBC_TUNABLES|MALLOC_.*"
    "|ANSIBLE_.*|MITOGEN_.*|PYTHON.*|PERL.*|RUBY.*|NODE_(OPTIONS|PATH|EXTRA_CA_CERTS)"
    "|(_|JDK_)?JAVA_(TOOL_)?OPTIONS|BASH.*|ENV|SHELLOPTS|PS4|PROMPT_COMMAND|ZDOTDIR"
    "|PATH|CDPATH|HOME|SHELL|USER|LOGNAME|TMPDIR|TERM|LANG|LANGUAGE|LC_.*|TZ|XDG_.*"
    "|SSH_.*|GIT_(SSH.*|EXEC_PATH|ASKPASS|CONFIG.*|PROXY_COMMAND|EXTERNAL_DIFF"
    "|TEMPLATE_DIR|DIR|TRACE.*|EDITOR|SEQUENCE_EDITOR|PAGER)|EDITOR|VISUAL|PAGER|BROWSER"
    "|LESSOPEN|LESSCLOSE|OPENSSL_.*|SSL_CERT_.*|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE"
    "|PIP_.*|UV_.*"
)


def find_problem(references: object, variables: Mapping[str, str] | None = None) -> str:
    """Return why a run can't use these credentials; empty if it can.

    Args:
        references: A list of `kind:name`.
        variables: The environment variables that the service sets itself.
    """
    if not isinstance(references, list) or not all(
        isinstance(reference, str) for reference in references
    ):
        return "must be a list of credentials, such as ssh:prod"
    tokens: dict[str, str] = {}
    for reference in references:
        if problem := _problem_of(reference, tokens, variables or {}):
            return problem
    if twice := [one for one, times in Counter(references).items() if times > 1]:
        return f"must name {twice[0]} once"
    for kind in _SINGLE:
        named = [one for one in references if one.startswith(f"{kind}:")]
        if len(named) > 1:
            return f"must name one credential of the kind {kind}, not {named}"
    return ""


def git_problem(reference: object) -> str:
    """Return why a project can't name this for its repository; empty if it can."""
    found = REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if found and found["kind"] in GIT_KINDS:
        return ""
    examples = " or ".join(f"{kind}:infra" for kind in GIT_KINDS)
    return f"must be a credential such as {examples}"


def _problem_of(
    reference: str, tokens: dict[str, str], variables: Mapping[str, str]
) -> str:
    found = REFERENCE.fullmatch(reference)
    if not found:
        kinds = ", ".join(Kind)
        return (
            f"must have references of the form kind:name, not {reference!r}; the kinds "
            f"are {kinds}, and a name has lower case letters, digits, _, . and -"
        )
    if found["kind"] in GIT_KINDS:
        return (
            f"can't name {reference}, which git uses for the repository of a project: "
            'name it as "credential" in project.json'
        )
    if found["kind"] != Kind.TOKEN:
        return ""
    variable = variable_of(found["name"])
    if problem := token_problem(variable):
        return f"can't name {reference}: {problem}"
    if variable in variables:
        return f'can\'t name {reference}: "environment" sets {variable} too'
    other = tokens.setdefault(variable, reference)
    if other != reference:
        return f"can't name both {other} and {reference}: both are {variable}"
    return ""


def token_problem(variable: str) -> str:
    """Return why a token can't be this environment variable; empty if it can."""
    if _LOADING.fullmatch(variable) or variable in environment.INHERITED:
        return f"{variable} changes how programs load code or find files"
    return environment.find_problem(variable, "")

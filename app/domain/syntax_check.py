"""Judge the result of `ansible-playbook --syntax-check`."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from app.domain import ansible_errors

#: The maximum number of characters of a problem.
MAX_PROBLEM = 500
_UNDEFINED = re.compile(r"'(\w+)' is undefined")
_NO_VAULT_PASSWORD = re.compile(r"no vault secrets", re.IGNORECASE)
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class SyntaxCheck:
    """The result of a check: why Ansible can't load a playbook; empty if it can.

    `repeat` says that the next sync repeats the check: it failed, which the user may
    have corrected outside of the folder, or it wasn't possible.
    """

    problem: str
    repeat: bool


#: The playbook wasn't checked.
NOT_CHECKED = SyntaxCheck("", repeat=True)


def judge(
    code: int | None,
    output: str,
    folder: str,
    unknown: Collection[str],
    *,
    encrypted: bool,
    vault: bool,
) -> SyntaxCheck:
    """Return the result of a check.

    Args:
        code: The exit code of ansible-playbook; None if it wasn't run to its end.
        output: What it printed.
        folder: The folder of the playbook; paths in it are shortened.
        unknown: The variables that a launch sets.
        encrypted: Whether encrypted files set further variables.
        vault: Whether a run gets vault passwords, which a check doesn't have.
    """
    if code is None:
        return NOT_CHECKED
    if code == 0:
        return SyntaxCheck("", repeat=False)
    lines = output.splitlines()
    error = ansible_errors.find(lines)
    last = next((line for line in reversed(lines) if line.strip()), f"exit code {code}")
    text = str(error) if error else last
    if (missing := _UNDEFINED.search(text)) and (encrypted or missing[1] in unknown):
        # A run has the variable, so that this isn't an error of the playbook.
        return NOT_CHECKED
    if vault and _NO_VAULT_PASSWORD.search(text):
        return SyntaxCheck("", repeat=False)
    text = _INVISIBLE.sub(" ", text.replace(f"{folder}/", "")).strip()
    if len(text) > MAX_PROBLEM:
        text = f"{text[: MAX_PROBLEM - 1]}…"
    return SyntaxCheck(text, repeat=True)

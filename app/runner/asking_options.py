"""Find settings in ansible.cfg and the environment that ask for passwords."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import ansible_cfg
from .errors import RunnerError
from .prompts import read

#: The settings by section, each with the kind of credential that answers; a credential
#: of the kind `vault` doesn't keep Ansible from asking.
_SETTINGS = {
    ("defaults", "ask_pass"): "password",
    ("defaults", "ask_vault_pass"): "",
    ("privilege_escalation", "become_ask_pass"): "become",
}
_VARIABLES = {
    "ANSIBLE_ASK_PASS": "password",
    "ANSIBLE_ASK_VAULT_PASS": "",
    "ANSIBLE_BECOME_ASK_PASS": "become",
}
_TRUE = frozenset({"y", "yes", "on", "1", "true", "t", "1.0"})
_SECTION = re.compile(r"\[([^]]+)\]")
_SETTING = re.compile(r"(\w+)\s*[=:]\s*(.*?)\s*(?:;.*)?$")
#: An identity of vault whose password is asked.
_ASKED = re.compile(r"(?:^|[,@\s])prompt(?:_ask_vault_pass)?\s*(?:,|$)")


@dataclass(frozen=True)
class AskingOption:
    """A setting that makes Ansible ask for a password."""

    #: `file:line`, or "environment".
    place: str
    setting: str
    #: The kind of credential that answers; empty: none does.
    kind: str

    def __str__(self) -> str:
        """Describe the setting and what to use instead."""
        instead = f"a credential {self.kind or 'vault'}:NAME"
        return (
            f"{self.place} sets {self.setting}, and nobody can enter a password in a "
            f"deployment: remove it, and give the service {instead}."
        )


def require_none(
    folder: Path, env: Mapping[str, str], credentials: Iterable[str]
) -> None:
    """Require that no setting asks for what no credential has.

    Args:
        folder: The working directory of ansible-playbook.
        env: Its environment.
        credentials: The credentials of the run, as `kind:name`.

    Raises:
        RunnerError: There is such a setting.
    """
    for option in unanswered(find(folder, env), credentials):
        raise RunnerError(str(option))


def unanswered(
    found: Iterable[AskingOption], credentials: Iterable[str]
) -> list[AskingOption]:
    """Return the settings that ask for what no credential has."""
    kinds = {each.partition(":")[0] for each in credentials}
    return [each for each in found if each.kind not in kinds]


def find(folder: Path, env: Mapping[str, str]) -> Iterator[AskingOption]:
    """Yield the settings of a run's environment and of its ansible.cfg.

    Args:
        folder: The working directory of ansible-playbook.
        env: Its environment.
    """
    for name, kind in _VARIABLES.items():
        if env.get(name, "").lower() in _TRUE:
            yield AskingOption("environment", name, kind)
    path = ansible_cfg.find(folder, env)
    if path is None:
        return
    section = ""
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path
    content = read(path).decode(errors="replace")
    for number, line in enumerate(content.splitlines(), start=1):
        if found := _SECTION.match(line):
            section = found[1]
        elif found := _SETTING.match(line):
            name, value = found[1].lower(), found[2]
            is_asked = name == "vault_identity_list" and _ASKED.search(value)
            is_set = (section, name) in _SETTINGS and value.lower() in _TRUE
            if is_set or (section == "defaults" and is_asked):
                kind = _SETTINGS.get((section, name), "")
                yield AskingOption(f"{shown}:{number}", f"{name} = {value}", kind)

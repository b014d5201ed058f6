"""Names of services: `service`, `project/service`, `project/service@environment`."""

import re
from dataclasses import dataclass

#: One part of a name. The first one is also a folder, and in a sudoers file's name.
PART = "[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?"
#: A whole name.
NAME = f"^{PART}(?:/{PART}(?:@{PART})?)?$"

#: Names that a service of a project can't have: its page would have the address of an
#: action on a service with the project's name.
RESERVED = frozenset({"choices", "compare", "deploy", "doctor", "launch-form"})

_NAME = re.compile(f"(?P<first>{PART})(?:/(?P<second>{PART})(?:@(?P<third>{PART}))?)?")


@dataclass(frozen=True, slots=True)
class ServiceName:
    """The parts of a name; `project` and `environment` are empty without one."""

    project: str
    service: str
    environment: str

    def __str__(self) -> str:
        """Return the name that `split` reads."""
        project = f"{self.project}/" if self.project else ""
        environment = f"@{self.environment}" if self.environment else ""
        return f"{project}{self.service}{environment}"

    @property
    def folder(self) -> str:
        """The folder in the services folder that registers the service."""
        return self.project or self.service


def file_of(name: str) -> str:
    """Return the name of the file that defines the service with this name."""
    return "fastdeploy.yml" if "/" in name else "config.json"


def split(name: str) -> ServiceName | None:
    """Return the parts of a name; None if it is invalid."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    first, second, third = match.group("first", "second", "third")
    if second is None:
        return ServiceName("", first, "")
    return ServiceName(first, second, third or "")

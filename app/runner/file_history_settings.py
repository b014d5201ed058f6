"""The key `file_history` of a service: which files FastDeploy keeps the versions of."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

#: Maximum number of patterns, and of characters of one.
_MAX_PATTERNS = 100
_MAX_LENGTH = 500
#: Files of which no version is kept for any service, since they hold secrets.
SECRET_FILES = (
    "/etc/shadow*", "/etc/gshadow*", "/etc/ssl/private/*", "/etc/ssh/ssh_host_*_key",
    "*/.ssh/id_*", "*.key", "*/.netrc", "*/.pgpass", "*/.my.cnf", "*/.vault_pass*",
)  # fmt: skip


@dataclass(frozen=True)
class FileHistorySettings:
    """The files of a service of which versions are kept."""

    kept: bool = True
    #: Patterns of paths of which none are kept; `*` matches slashes, too.
    exclude: tuple[str, ...] = ()

    def keeps(self, path: str) -> bool:
        """Return whether versions of the file with this path are kept."""
        patterns = (*SECRET_FILES, *self.exclude)
        return self.kept and not any(fnmatchcase(path, each) for each in patterns)


#: A service without the key.
EVERY_FILE = FileHistorySettings()


def find_problem(value: object) -> str:
    """Return why `file_history` can't have a value; empty if it can."""
    if isinstance(value, bool):
        return ""
    if not isinstance(value, dict):
        return "must be true, false or an object"
    if unknown := sorted(set(value) - {"exclude"}):
        return f"has the unknown key {unknown[0]!r}: use exclude"
    patterns = value.get("exclude", [])
    if not isinstance(patterns, list | tuple) or len(patterns) > _MAX_PATTERNS:
        return f"must set exclude to a list of at most {_MAX_PATTERNS} patterns"
    for pattern in patterns:
        if not isinstance(pattern, str) or not pattern.isprintable():
            return "must have patterns of printable characters in exclude"
        if not pattern.startswith(("/", "*")) or len(pattern) > _MAX_LENGTH:
            return (
                "must have patterns of absolute paths in exclude, such as "
                f'"/etc/secret/*", of at most {_MAX_LENGTH} characters'
            )
    return ""


def parse(value: Mapping[str, Any] | Literal[True, False]) -> FileHistorySettings:
    """Return the settings of a value without a problem."""
    if isinstance(value, bool):
        return FileHistorySettings(kept=value)
    return FileHistorySettings(exclude=tuple(value.get("exclude", ())))

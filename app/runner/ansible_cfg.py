"""Find and read the ansible.cfg of a run by Ansible's rules, without Ansible.

Ansible takes the first of ANSIBLE_CONFIG, `ansible.cfg` in the working directory
(unless it is world-writable), `~/.ansible.cfg` and `/etc/ansible/ansible.cfg`.
"""

import configparser
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

_SYSTEM = Path("/etc/ansible/ansible.cfg")

#: The sections of an ansible.cfg, by name.
Sections = Mapping[str, Mapping[str, str]]


def find(folder: Path, env: Mapping[str, str]) -> Path | None:
    """Return the ansible.cfg that applies to a run; None if there is none.

    Args:
        folder: The working directory of ansible-playbook.
        env: Its environment.
    """
    found = (path for path in _candidates(folder, env) if _is_readable(path))
    return next(found, None)


def read(folder: Path, env: Mapping[str, str]) -> Sections:
    """Return the sections of the ansible.cfg that applies to a run."""
    path = find(folder, env)
    return _sections(path) if path else {}


def read_defaults(path: Path) -> Mapping[str, str]:
    """Return the section `defaults`; it is empty if the file can't be read."""
    return _sections(path).get("defaults", {})


def _sections(path: Path) -> Sections:
    """Return the sections of a file; there are none if it can't be read."""
    parser = configparser.ConfigParser(
        interpolation=None, strict=False, inline_comment_prefixes=(";",)
    )
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        return {name: dict(parser[name]) for name in parser.sections()}
    except (OSError, ValueError, configparser.Error):
        return {}


def resolve(value: str, base: Path, home: Path) -> Path:
    """Resolve a path as Ansible does in the ansible.cfg of the folder `base`."""
    name = value.strip().replace("{{CWD}}", str(base))
    if name == "~" or name.startswith("~/"):
        return home / name[2:]
    return Path(os.path.normpath(base / name))


def resolve_all(value: str, base: Path, home: Path) -> list[Path]:
    """Resolve each path of a colon-separated list."""
    return [resolve(each, base, home) for each in value.split(":") if each.strip()]


def _candidates(folder: Path, env: Mapping[str, str]) -> Iterator[Path]:
    if named := env.get("ANSIBLE_CONFIG"):
        path = folder / named
        yield path / "ansible.cfg" if path.is_dir() else path
    if not folder.stat().st_mode & stat.S_IWOTH:
        yield folder / "ansible.cfg"
    if home := env.get("HOME"):
        yield Path(home) / ".ansible.cfg"
    yield _SYSTEM


def _is_readable(path: Path) -> bool:
    return os.access(path, os.R_OK)


def names_inventory(defaults: Mapping[str, str], env: Mapping[str, str]) -> bool:
    """Return whether ansible.cfg or the environment names an inventory."""
    return bool(defaults.get("inventory") or env.get("ANSIBLE_INVENTORY"))

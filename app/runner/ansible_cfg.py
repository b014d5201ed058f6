"""The ansible.cfg of a run: found and read as Ansible does it, without Ansible.

Ansible takes the first of ANSIBLE_CONFIG, `ansible.cfg` in the working directory
(unless everybody may write there), `~/.ansible.cfg` and `/etc/ansible/ansible.cfg`.
"""

import configparser
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

_SYSTEM = Path("/etc/ansible/ansible.cfg")


#: The sections that are read, by name.
Sections = Mapping[str, Mapping[str, str]]


def read(folder: Path, env: Mapping[str, str]) -> Sections:
    """Return the sections of the ansible.cfg that holds in a folder.

    Args:
        folder: The working directory of ansible-playbook.
        env: Its environment.

    Without a file, or with one that Ansible will refuse, it is empty.
    """
    found = next((path for path in _candidates(folder, env) if _readable(path)), None)
    if found is None:
        return {}
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    try:
        parser.read_string(found.read_text())
        return {name: dict(parser[name]) for name in parser.sections()}
    except (OSError, ValueError, configparser.Error):
        return {}


def _candidates(folder: Path, env: Mapping[str, str]) -> Iterator[Path]:
    if named := env.get("ANSIBLE_CONFIG"):
        path = folder / named
        yield path / "ansible.cfg" if path.is_dir() else path
    if not folder.stat().st_mode & stat.S_IWOTH:
        yield folder / "ansible.cfg"
    if home := env.get("HOME"):
        yield Path(home) / ".ansible.cfg"
    yield _SYSTEM


def _readable(path: Path) -> bool:
    return os.access(path, os.R_OK)

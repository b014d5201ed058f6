"""Find the settings of a service because of which Ansible doesn't check host keys."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from . import ansible_cfg
from .ansible_cfg import Sections
from .definition import Definition
from .ssh_arguments import SECTION

#: What Ansible takes for true, in lower case. Any other text is false.
_TRUE = frozenset({"y", "yes", "on", "1", "true", "t", "1.0"})
_FALSE = frozenset({"n", "no", "off", "0", "false", "f", "0.0"})
_KEY = "host_key_checking"
#: The sections of ansible.cfg with this key; the second one is ssh's own.
_SECTIONS = ("defaults", SECTION)
_VARIABLES = ("ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING")
#: The arguments of ssh in ansible.cfg, and in the environment in upper case.
_ARGUMENTS = ("ssh_args", "ssh_common_args", "ssh_extra_args")
_OPTION = re.compile(
    r"StrictHostKeyChecking[\s=\"']+(no|off|accept-new|ask)\b",
    re.IGNORECASE,
)
_VARIABLE = re.compile(
    r"ansible_(?:ssh_)?host_key_checking[\"']?\s*[:=]\s*[\"']?(false|no|off|n|f|0)\b",
    re.IGNORECASE,
)
#: Maximum number of files with variables, and of bytes of each.
_MAX_FILES, _MAX_BYTES = 500, 256 * 1024


def find_unchecked(definition: Definition, env: Mapping[str, str]) -> list[str]:
    """Return each setting, such as `ansible.cfg sets host_key_checking=false`.

    Args:
        definition: The service.
        env: The environment of ansible-playbook.
    """
    folder = definition.folder
    path = ansible_cfg.find(folder, env)
    config = ansible_cfg.read(folder, env)
    file = _name(path, folder) if path else ""
    return [
        *(f"{file} sets {setting}" for setting in in_config(config)),
        *(f"the environment sets {setting}" for setting in _in_environment(env)),
        *in_variables(folder, definition.playbook, definition.inventory),
    ]


def learns(settings: Iterable[str]) -> bool:
    """Return whether the user's known_hosts gets new keys: these only have accept-new.

    Without a check, ssh adds keys too. Then other runs of the user would trust them.
    """
    return all("StrictHostKeyChecking=accept-new" in setting for setting in settings)


def in_config(config: Sections) -> Iterator[str]:
    """Yield the settings in an ansible.cfg that turn the check off."""
    for section in _SECTIONS:
        value = config.get(section, {}).get(_KEY)
        if value is not None and value.strip().lower() not in _TRUE:
            yield f"{_KEY}={value.strip()}"
    for key in _ARGUMENTS:
        if found := _OPTION.search(config.get(SECTION, {}).get(key, "")):
            yield f"StrictHostKeyChecking={found[1]} in {key}"


def not_booleans(config: Sections) -> Iterator[str]:
    """Yield the values of `host_key_checking` that Ansible silently takes for false."""
    for section in _SECTIONS:
        value = config.get(section, {}).get(_KEY, "").strip()
        if value and value.lower() not in _TRUE | _FALSE:
            yield value


def in_variables(folder: Path, playbook: Path, inventory: Path | None) -> Iterator[str]:
    """Yield the settings in an inventory, its `group_vars` and its `host_vars`.

    Files are searched as text. An inventory that is a program isn't called, and what
    ansible.cfg names as inventory isn't searched.
    """
    for path in islice(_files(playbook, inventory), _MAX_FILES):
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                content = file.read(_MAX_BYTES)
        except OSError:
            continue
        name = _name(path, folder)
        if found := _VARIABLE.search(content):
            yield f"{name} sets ansible_{_KEY}={found[1]}"
        if found := _OPTION.search(content):
            yield f"{name} sets StrictHostKeyChecking={found[1]}"


def _files(playbook: Path, inventory: Path | None) -> Iterator[Path]:
    places = [playbook.parent]
    if inventory is not None and inventory.is_dir():
        yield from _in_folder(inventory)
        places = [each for each in places if each != inventory]
    elif inventory is not None:
        yield inventory
        places = list(dict.fromkeys((*places, inventory.parent)))
    for place in places:
        for name in ("group_vars", "host_vars"):
            yield from _in_folder(place / name)


def _in_folder(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(place) / name


def _in_environment(env: Mapping[str, str]) -> Iterator[str]:
    for name in _VARIABLES:
        value = env.get(name, "").strip()
        if value and value.lower() not in _TRUE:
            yield f"{name}={value}"
    for key in _ARGUMENTS:
        name = f"ANSIBLE_{key.upper()}"
        if found := _OPTION.search(env.get(name, "")):
            yield f"StrictHostKeyChecking={found[1]} in {name}"


def _name(path: Path, folder: Path) -> str:
    """Return a path relative to the service's folder if it is in there."""
    is_inside = path.is_relative_to(folder)
    return str(path.relative_to(folder) if is_inside else path)

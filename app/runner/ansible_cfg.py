"""The part of an ansible.cfg that says where a playbook's files are."""

import configparser
import os
from collections.abc import Mapping
from pathlib import Path


def read_defaults(path: Path) -> Mapping[str, str]:
    """Return the section `defaults`, empty if the file can't be read."""
    parser = configparser.ConfigParser(
        interpolation=None, strict=False, inline_comment_prefixes=(";",)
    )
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        return dict(parser["defaults"])
    except (OSError, ValueError, KeyError, configparser.Error):
        return {}


def resolve(value: str, base: Path, home: Path) -> Path:
    """Return a path as Ansible reads it in the ansible.cfg of the folder `base`."""
    name = value.strip().replace("{{CWD}}", str(base))
    if name == "~" or name.startswith("~/"):
        return home / name[2:]
    return Path(os.path.normpath(base / name))


def resolve_all(value: str, base: Path, home: Path) -> list[Path]:
    """Return each path of a list that is separated by colons."""
    return [resolve(each, base, home) for each in value.split(":") if each.strip()]

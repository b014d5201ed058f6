"""Propose a fastdeploy.yml for the content of a repository."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

import yaml

from app.domain.service_name import PART, RESERVED

#: The options that a proposal allows at launch.
OPTIONS = ["check", "diff", "limit", "tags", "skip_tags", "verbosity"]


def propose(
    name: str,
    playbooks: Iterable[str],
    inventories: Iterable[str],
    requirements: Iterable[str],
    *,
    configured: bool,
) -> dict[str, Any]:
    """Return the content of a fastdeploy.yml.

    Args:
        name: The name of the project.
        playbooks: The paths of the playbooks in the repository.
        inventories: The paths of the inventories.
        requirements: The paths of the requirements files to install.
        configured: Whether ansible.cfg names an inventory. Then a single inventory
            makes no environment.
    """
    services = {
        key: {"playbook": path} for key, path in _keys(playbooks, RESERVED).items()
    }
    environments = {
        key: {"inventory": path} for key, path in _keys(inventories, ()).items()
    }
    if len(environments) == 1:
        [only] = environments.values()
        environments = {}
        if not configured:
            services = {key: {**value, **only} for key, value in services.items()}
    return {
        "project": name,
        **({"requirements": listed} if (listed := sorted(requirements)) else {}),
        **({"environments": environments} if environments else {}),
        "defaults": {"options": OPTIONS},
        "services": services,
    }


def as_yaml(content: dict[str, Any]) -> str:
    """Return the text of a fastdeploy.yml."""
    text: str = yaml.safe_dump(
        content, sort_keys=False, default_flow_style=None, allow_unicode=True, width=88
    )
    return text


def part_of(text: str) -> str:
    """Return a valid part of a name that resembles a text; empty if none does."""
    candidate = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:64].strip("-")
    return candidate if re.fullmatch(PART, candidate) else ""


def _keys(paths: Iterable[str], reserved: Iterable[str]) -> dict[str, str]:
    """Return the paths by short names that are unique."""
    named: dict[str, str] = {}
    for path in sorted(paths, key=lambda path: (path.count("/"), path)):
        parts = PurePosixPath(path).with_suffix("").parts
        # The last part, then more of the path, until the name is free.
        for length in range(1, len(parts) + 1):
            name = part_of("-".join(parts[-length:]))
            if name and name not in named and name not in reserved:
                break
        else:
            stem = part_of("-".join(parts)) or "service"
            name = next(
                candidate
                for number in range(2, len(named) + 3)
                if (candidate := f"{stem[:60]}-{number}") not in named
            )
        named[name] = path
    return named

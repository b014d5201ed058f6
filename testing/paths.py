"""Folders of the repository."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: A file that SOPS encrypted, its key, and a decoder for machines without sops.
SOPS = ROOT / "tests" / "data" / "sops"
#: Playbooks that the tests run.
PLAYBOOKS = ROOT / "tests" / "data" / "playbooks"
#: A repository with Ansible content, as people have it.
INFRA = ROOT / "tests" / "data" / "infra"
#: Content for Ansible that the repository requires.
GALAXY = ROOT / "tests" / "data" / "galaxy"

_PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
#: A PATH with newer Pythons than the one of the tests, if this machine has any.
NEWER_PYTHONS = os.pathsep.join(
    [*map(str, _PYENV.glob("versions/3.1[2-9]*/bin")), os.environ["PATH"]]
)

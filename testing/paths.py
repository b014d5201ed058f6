"""Folders of the repository."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
#: A file that SOPS encrypted, its key, and a decoder for machines without sops.
SOPS = ROOT / "tests" / "data" / "sops"
#: Playbooks that the tests run.
PLAYBOOKS = ROOT / "tests" / "data" / "playbooks"
#: A repository with Ansible content, as people have it.
INFRA = ROOT / "tests" / "data" / "infra"

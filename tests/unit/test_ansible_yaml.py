"""Ansible's own YAML files, parsed once."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible
import pytest

from app.runner import ansible_yaml

#: Prints what Ansible has after reading both files, and how many YAML files it parsed.
_PROGRAM = """\
import importlib.util, json, pathlib, sys, yaml
parsed, load = [], yaml.load
yaml.load = lambda *a, **k: parsed.append(0) or load(*a, **k)
spec = importlib.util.spec_from_file_location("ansible_yaml", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.install()
from ansible.config import manager
from ansible.utils.collection_loader import _collection_finder as finder
source = pathlib.Path(manager.__file__).with_name("ansible_builtin_runtime.yml")
about = ("ansible.builtin", "runtime.yml")
print(json.dumps({
    "settings": manager.ConfigManager()._base_defs,
    "modules": finder._meta_yml_to_dict(source.read_bytes(), about),
    "parsed": len(parsed),
}))
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with a copy of Ansible without anything that is stored parsed."""
    shutil.copytree(
        Path(ansible.__file__).parent, tmp_path / "ansible",
        ignore=shutil.ignore_patterns("*.parsed", "galaxy", "modules", "plugins"),
    )  # fmt: skip
    return tmp_path


def test_ansible_reads_the_same_without_parsing(packages: Path) -> None:
    first, second = _read(packages), _read(packages)

    assert first["settings"] == second["settings"]
    assert first["modules"] == second["modules"]
    assert "copy" in json.dumps(second["modules"])
    assert 2 == first["parsed"] - second["parsed"]


def test_an_outdated_or_damaged_file_is_parsed_again(packages: Path) -> None:
    _read(packages)
    [settings] = packages.glob("ansible/config/__pycache__/base.yml.*.parsed")
    [modules] = packages.glob("ansible/config/__pycache__/*runtime*.parsed")
    source = packages / "ansible" / "config" / "base.yml"
    source.write_text(f"{source.read_text()}\nOF_A_TEST:\n  default: 1\n")
    modules.write_bytes(modules.read_bytes()[:1000])

    found = _read(packages)

    assert "OF_A_TEST" in found["settings"]
    assert "copy" in json.dumps(found["modules"])
    assert settings.read_bytes()[:16] != modules.read_bytes()[:16]


def test_nothing_is_stored_where_python_stores_no_bytecode(packages: Path) -> None:
    _read(packages, PYTHONDONTWRITEBYTECODE="1")

    assert [] == list(packages.rglob("*.parsed"))


def _read(packages: Path, **env: str) -> Mapping[str, Any]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM, ansible_yaml.__file__],
        env={"PYTHONPATH": str(packages), "HOME": os.devnull, **env},
        capture_output=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found

"""Ansible's own modules, built once."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.runner import ansible_yaml, built_modules
from testing.ansible_copy import BEGINNING, copy_ansible

#: Builds the module `ping`, and prints the digests of its files and how often it was
#: built. The arguments are a compression, and what is to be installed.
_PROGRAM = (
    BEGINNING
    + """\
compression, *installed = sys.argv[1:]
if installed:
    yaml, modules = map(load, installed)
    modules.install(yaml.write)
count, find = [], module_common.recursive_finder
module_common.recursive_finder = lambda *a, **k: count.append(0) or find(*a, **k)
text = module_common.modify_module(
    module_name="ping", module_path=module_loader.find_plugin("ping"),
    module_args={"data": "hello"}, templar=Templar(DataLoader(), variables),
    task_vars=variables, module_compression=compression,
).b_module_data.decode()
content = text[text.rindex("zip_data='") + len("zip_data='"):].partition("'")[0]
archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(content)))
files = {
    name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()
}
print(json.dumps({"files": files, "built": len(count)}))
"""
)
_BASIC = "ansible/module_utils/basic.py"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with a copy of Ansible without anything that is stored."""
    copy_ansible(tmp_path)
    return tmp_path


def test_a_stored_module_is_the_one_that_ansible_builds(packages: Path) -> None:
    typed = _build(packages, by_ansible=True)
    first, second = _build(packages), _build(packages)

    assert [1, 1, 0] == [each["built"] for each in (typed, first, second)]
    assert typed["files"] == first["files"] == second["files"]
    assert {"ansible/modules/ping.py", _BASIC} <= {*second["files"]}


def test_a_changed_or_damaged_file_is_built_again(packages: Path) -> None:
    before = _build(packages)
    basic = packages / _BASIC
    basic.write_text(f"{basic.read_text()}\nOF_A_TEST = 1\n")

    changed = _build(packages)
    [stored] = packages.rglob("*.built")
    stored.write_bytes(stored.read_bytes()[:-100])
    damaged = _build(packages)

    assert [1, 1, 1] == [each["built"] for each in (before, changed, damaged)]
    assert before["files"][_BASIC] != changed["files"][_BASIC]
    assert changed["files"] == damaged["files"]
    assert 0 == _build(packages)["built"]


def test_a_file_of_a_project_is_used_and_not_stored(
    packages: Path, tmp_path: Path
) -> None:
    project = tmp_path / "module_utils"
    project.mkdir()
    shutil.copy(packages / _BASIC, project)
    with (project / "basic.py").open("a") as file:
        file.write("\nOF_A_PROJECT = 1\n")

    theirs = _build(packages, ANSIBLE_MODULE_UTILS=str(project))
    assert [] == [*packages.rglob("*.built")]
    ours = _build(packages)
    again = _build(packages, ANSIBLE_MODULE_UTILS=str(project))

    assert theirs == again
    assert 1 == theirs["built"]
    assert theirs["files"][_BASIC] != ours["files"][_BASIC]


def test_nothing_is_stored_where_it_would_be_of_no_use(packages: Path) -> None:
    _build(packages, PYTHONDONTWRITEBYTECODE="1")
    _build(packages, compression="ZIP_STORED")

    assert [] == [*packages.rglob("*.built")]


def test_the_roles_store_them_for_all_users(packages: Path) -> None:
    """The second call changes nothing, so it prints nothing."""
    for path in packages.glob("ansible/modules/[a-oq-z]*.py"):
        path.unlink()
    program = [sys.executable, "-P", "-m", "app.runner.compile_ansible"]
    root = Path(built_modules.__file__).parents[2]
    env = {"PYTHONPATH": f"{packages}:{root}", "HOME": str(packages)}

    first, second = (
        subprocess.run(program, env=env, capture_output=True, check=True, text=True)
        for _ in range(2)
    )

    yaml, modules = ([*packages.rglob(f"*.{name}")] for name in ("parsed", "built"))
    assert 2 == len(yaml)
    assert "ping.cpython" in "".join(path.name for path in modules)
    assert len(yaml) + len(modules) == first.stdout.count("Compiling ")
    assert "" == second.stdout
    assert {0o644} == {path.stat().st_mode & 0o777 for path in [*yaml, *modules]}
    stored, typed = _build(packages), _build(packages, by_ansible=True)
    assert [0, 1] == [stored["built"], typed["built"]]
    assert stored["files"] == typed["files"]


def test_what_can_not_be_stored_changes_nothing_and_fails_no_role(
    packages: Path,
) -> None:
    for path in packages.glob("ansible/modules/[a-oq-z]*.py"):
        path.unlink()
    changed = packages / "module_utils"
    changed.mkdir()
    shutil.copy(packages / _BASIC, changed)
    program = [sys.executable, "-P", "-m", "app.runner.compile_ansible"]
    root = Path(built_modules.__file__).parents[2]
    env = {"PYTHONPATH": f"{packages}:{root}", "HOME": str(packages)}

    for variables in (
        {"ANSIBLE_MODULE_UTILS": str(changed)},
        {"ANSIBLE_LOCAL_TEMP": "/dev/null"},
    ):
        done = subprocess.run(
            program, env=env | variables, capture_output=True, check=True, text=True
        )
        assert "modules/ping" not in done.stdout
    assert [] == [*packages.rglob("*.built")]


def _build(
    packages: Path,
    compression: str = "ZIP_DEFLATED",
    *,
    by_ansible: bool = False,
    **env: str,
) -> Mapping[str, Any]:
    installed = [] if by_ansible else [ansible_yaml.__file__, built_modules.__file__]
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM, compression, *installed],
        env={"PYTHONPATH": str(packages), "HOME": str(packages), **env},
        capture_output=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found

"""Projects with requirements, for execution environments."""

import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from testing.installation import Installation

_FILTER = """\
class FilterModule:
    def filters(self):
        return {"shout": lambda text: text.upper()}
"""
_PLAYBOOK = """\
- name: Site
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Use the collection
      ansible.builtin.debug: {msg: "{{ 'hello' | my.ca.shout }}"}
    - name: Use the role
      ansible.builtin.include_role: {name: greet}
    - name: Use the package
      ansible.builtin.command: "{{ ansible_playbook_python }} -c 'import netaddr'"
    - name: Rescue a failure
      block:
        - name: Fail
          ansible.builtin.fail: {msg: expected}
      rescue:
        - name: Show the version
          ansible.builtin.debug: {msg: "core {{ ansible_version.full }}"}
"""
#: A build backend without dependencies, which waits until it may go on.
_BACKEND = """\
import os, pathlib, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    here = pathlib.Path(__file__).parent
    (here / "started").touch()
    (here / "gate").read_text()
    name = "slow-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        about = "slow-1.0.dist-info/"
        wheel.writestr("slow.py", "")
        for file in ("METADATA", "WHEEL", "RECORD"):
            wheel.write(here / file, about + file)
    return name
"""


def write_project(
    site: Installation, name: str, keys: Mapping[str, object], playbook: str = _PLAYBOOK
) -> None:
    """Write a project with two services and sync it."""
    folder = site.services / name
    folder.mkdir(exist_ok=True)
    (folder / "site.yml").write_text(playbook)
    services = {key: {"playbook": "site.yml"} for key in ("site", "other")}
    # JSON is YAML too.
    content = {"project": name, "services": services} | dict(keys)
    (folder / "fastdeploy.yml").write_text(json.dumps(content))
    synced = site.sync()
    assert f"{name}/site" in synced.valid, synced.invalid


def write_requirements(folder: Path, *, git: bool) -> None:
    """Write requirements by folder and archive: nothing is fetched from Galaxy."""
    folder.mkdir(exist_ok=True)
    (folder / "my" / "ca" / "plugins" / "filter").mkdir(parents=True)
    (folder / "my" / "ca" / "README.md").touch()
    (folder / "my" / "ca" / "plugins" / "filter" / "shout.py").write_text(_FILTER)
    (folder / "my" / "ca" / "galaxy.yml").write_text(
        "{namespace: my, name: ca, version: 1.0.0, readme: README.md, authors: [me]}\n"
    )
    role = folder / "greet-source"
    for part in ("tasks", "meta"):
        (role / part).mkdir(parents=True)
    (role / "tasks" / "main.yml").write_text(
        '- name: Greet\n  ansible.builtin.debug: {msg: "greetings"}\n'
    )
    (role / "meta" / "main.yml").write_text(
        "galaxy_info: {author: me, description: greets, license: MIT, "
        "min_ansible_version: '2.19'}\ndependencies: []\n"
    )
    with tarfile.open(folder / "greet.tar.gz", "w:gz") as archive:
        archive.add(role, "greet")
    source = f"file://{folder.resolve()}/greet.tar.gz"
    collection = {"name": "my/ca", "type": "dir"}
    if git:
        place = folder / "my" / "ca"
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "First"]):
            run = ["git", "-c", "user.name=me", "-c", "user.email=me@example.org"]
            subprocess.run([*run, *arguments], cwd=place, check=True)
        collection = {"name": f"git+file://{place.resolve()}", "type": "git"}
    (folder / "requirements.yml").write_text(json.dumps({
        "collections": [collection],
        "roles": [{"name": "greet", "src": source}],
    }))  # fmt: skip


def write_slow_package(folder: Path) -> str:
    """Write a package whose build waits at a FIFO; return its requirement."""
    folder.mkdir()
    (folder / "backend.py").write_text(_BACKEND)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "slow"\nversion = "1.0"\n[build-system]\nrequires = []\n'
        'build-backend = "backend"\nbackend-path = ["."]\n'
    )
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: slow\nVersion: 1.0\n"
    )
    (folder / "WHEEL").write_text(
        "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    (folder / "RECORD").touch()
    os.mkfifo(folder / "gate")
    return f"slow @ file://{folder}"

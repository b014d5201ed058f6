"""What you type today, and what you do here: each row of the table is tried.

A row says how an option of ansible-playbook is given to `fastdeploy deploy` and to the
API, or that it can't be given at launch.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.cli import make_cli
from app.domain.deployment import Status
from testing.command_line import command
from testing.equal_runs import read_lines
from testing.installation import Installation, installed
from testing.paths import ROOT
from testing.postgres import Postgres

_ROW = re.compile(r"^\| (`.*) \| (.*) \|$", re.MULTILINE)
_CODE = re.compile("`(.*?)`")
_FILES = {
    "inventories/staging": """\
[web]
web1
web2
[prod]
web1
[all:vars]
ansible_connection=local
ansible_python_interpreter={{ ansible_playbook_python }}
""",
    "site.yml": """\
- name: Site
  hosts: web
  gather_facts: false
  tasks:
    - name: Look around
      ansible.builtin.debug: {msg: looked}
      tags: [a]
    - name: Copy the site
      ansible.builtin.copy:
        content: "{{ version }}\\n"
        dest: "{{ playbook_dir }}/index-{{ inventory_hostname }}"
        mode: "0644"
      tags: [a]
    - name: Say how many forks there are
      ansible.builtin.debug: {msg: "{{ ansible_forks }} forks"}
      tags: [b]
    - name: Leave it out
      ansible.builtin.debug: {msg: left}
      tags: [b, c]
""",
    "fastdeploy.yml": """\
project: infra
environments:
  staging: {inventory: inventories/staging}
defaults:
  options: [check, diff, limit, tags, skip_tags, start_at_task, forks, verbosity]
  variables: {properties: {version: {type: string}}}
services:
  site: {playbook: site.yml}
""",
}


@dataclass(frozen=True)
class Row:
    """An option of ansible-playbook, and what stands for it here."""

    today: str
    here: str

    @property
    def available(self) -> bool:
        """Whether `fastdeploy deploy` has the option too."""
        return self.here.startswith("`-")

    @property
    def json(self) -> dict[str, Any]:
        """The option in the body of a launch."""
        found = [
            code for code in _CODE.findall(self.here) if re.match(r'"\w+": ', code)
        ]
        return dict(json.loads(f"{{{', '.join(found)}}}"))


def _rows() -> list[Row]:
    text = (ROOT / "docs" / "how-to" / "options.md").read_text()
    return [Row(*found) for found in _ROW.findall(text)]


ROWS = _rows()
AVAILABLE = [row for row in ROWS if row.available]


def _flags(text: str, form: int) -> list[str]:
    """Return the flag of a cell in its first (0) or last (-1) form, with its value."""
    codes = [shlex.split(code) for code in _CODE.findall(text) if code.startswith("-")]
    return [codes[form][0], *codes[0][1:]]


def _all_flags(cell: str, form: int) -> list[str]:
    return [flag for row in AVAILABLE for flag in _flags(getattr(row, cell), form)]


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with the project of the table, as a folder."""
    with installed(postgres, tmp_path_factory.mktemp("table")) as made:
        for name, text in _FILES.items():
            path = made.services / "infra" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert not made.sync().invalid
        made.worker()
        made.web()
        yield made


def _type(folder: Path, flags: list[str]) -> list[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    typed = subprocess.run(
        ["ansible-playbook", "-i", "inventories/staging", *flags, "site.yml"],
        cwd=folder, check=True, text=True, stdout=subprocess.PIPE,
        env={"PATH": path, "HOME": os.environ["HOME"], "LANG": "C.UTF-8",
             "ANSIBLE_FORCE_COLOR": "True"},
    )  # fmt: skip
    return read_lines(typed.stdout, folder)


def test_the_flags_of_the_table_do_what_they_do_for_ansible_playbook(
    site: Installation,
) -> None:
    folder = site.services / "infra"
    [name] = _CODE.findall(next(row.here for row in ROWS if "staging" in row.today))[:1]
    expected = _type(folder, _all_flags("today", 0))

    done = command(site, *shlex.split(name)[1:], *_all_flags("here", 0))

    assert 0 == done.returncode, done.stderr
    ended = site.ended(int(done.stdout.split()[1]))
    assert Status.SUCCESSFUL == ended.status, ended.reason
    assert expected == read_lines(site.output(ended.id).decode(), folder)
    assert any("10 forks" in line for line in expected)
    assert any("+1.2.0" in line for line in expected)
    assert not list(folder.glob("index-*"))


def test_the_long_flags_of_the_table_are_the_options_that_it_names_for_the_api(
    site: Installation,
) -> None:
    service = "infra/site@staging"
    options: dict[str, Any] = {}
    for row in AVAILABLE:
        options |= row.json

    done = command(site, "deploy", service, *_all_flags("here", -1))
    with site.client() as client:
        answer = client.post("/api/v1/deployments", json={
            "service": service, "options": options, "variables": {"version": "1.2.0"},
        })  # fmt: skip

    assert (0, 201) == (done.returncode, answer.status_code), done.stderr + answer.text
    assert {"check", "diff", "limit", "tags", "skip_tags", "start_at_task", "forks",
            "verbosity"} == options.keys()  # fmt: skip
    typed = site.ended(int(done.stdout.split()[1]))
    posted = site.ended(answer.json()["id"])
    assert posted.options == typed.options
    assert posted.variables == typed.variables
    assert {"version": "1.2.0"} == typed.variables


@pytest.mark.parametrize(
    "flags",
    [
        _flags(row.today, 0)
        for row in ROWS
        if row.today.startswith("`-") and not row.available and "-i " not in row.today
    ],
    ids="".join,
)
def test_what_the_table_calls_not_available_is_refused(
    site: Installation, flags: list[str]
) -> None:
    deploy = ["deploy", "infra/site@staging", *flags]
    if flags[0] in {"-l", "-e"}:
        done = command(site, *deploy)
        assert 1 == done.returncode
        assert re.search("must not name a file|takes key=value", done.stderr)
    else:
        with pytest.raises(SystemExit) as refused:
            make_cli()(deploy)
        assert 2 == refused.value.code

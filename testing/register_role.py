"""Run the role that registers a service on this host, without its tasks for root."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from testing.bundled import PLAYBOOK_PROGRAM
from testing.paths import ROOT

REGISTER = "fastdeploy_register_service"
#: The role's variable with the content of config.json.
CONFIG = "_fastdeploy_register_service_config"
#: The messages of a failed task and of its items.
FAILURE = (
    "{{ ([ansible_failed_result] + ansible_failed_result.results | default([]))"
    " | map(attribute='msg', default='') | join(' ') }}"
)


def register(
    tmp_path: Path,
    *cases: dict[str, Any],
    then: str = "preflight.yml",
    what: str = CONFIG,
) -> list[Any]:
    """Return a variable or the error for each case, with two of the role's task files.

    The variable is config.json by default. The first task file is read_config.yml. It
    is the only one if `then` is empty, which is much faster: preflight.yml executes
    modules.
    """
    root = {"fd_fastdeploy_root": f"{tmp_path}/site", "fd_sync_services": False}
    files = [file for file in ("read_config.yml", then) if file]
    tasks = [
        {
            "block": [
                *(
                    {
                        "ansible.builtin.include_role": {
                            "name": REGISTER, "tasks_from": file, "public": True,
                        },
                    }
                    for file in files
                ),
                append(f"{{{{ {what} }}}}"),
            ],
            "rescue": [append(FAILURE)],
            "vars": {"fd_service_name": "shop"} | root | case,
        }
        for case in cases
    ]  # fmt: skip
    found = tmp_path / "found.json"
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"hosts": "localhost", "gather_facts": False, "vars": python | {"found": []},
            "tasks": [*tasks, write(found, "{{ found }}")]}  # fmt: skip
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]))

    subprocess.run(
        [*PLAYBOOK_PROGRAM, "-i", "localhost,", "-c", "local", playbook],
        check=True, capture_output=True, cwd=ROOT,
        env=os.environ | {"ANSIBLE_PIPELINING": "true"},
    )  # fmt: skip
    results: list[Any] = json.loads(found.read_text())
    return results


def append(value: str) -> dict[str, Any]:
    """Return a task that appends an expression to the variable `found`."""
    expression = value.removeprefix("{{ ").removesuffix(" }}")
    return {"ansible.builtin.set_fact": {"found": f"{{{{ found + [{expression}] }}}}"}}


def write(path: Path, value: str) -> dict[str, Any]:
    """Return a task that writes an expression as JSON."""
    content = value.replace(" }}", " | to_json }}")
    return {
        "ansible.builtin.copy": {"dest": str(path), "content": content, "mode": "0600"}
    }

"""Run the role that registers a service on this host, without its tasks for root."""

import json
import subprocess
from pathlib import Path
from typing import Any

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

    The variable is config.json by default. The first task file is read_config.yml.
    """
    root = {"fd_fastdeploy_root": f"{tmp_path}/site", "fd_sync_services": False}
    tasks = [
        {
            "block": [
                *(
                    {
                        "ansible.builtin.include_role": {
                            "name": REGISTER, "tasks_from": file, "public": True,
                        },
                    }
                    for file in ("read_config.yml", then)
                ),
                write(tmp_path / f"{number}.json", f"{{{{ {what} }}}}"),
            ],
            "rescue": [
                write(tmp_path / f"{number}.json", FAILURE)
            ],
            "vars": {"fd_service_name": "shop"} | root | case,
        }
        for number, case in enumerate(cases)
    ]  # fmt: skip
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"hosts": "localhost", "gather_facts": False, "vars": python, "tasks": tasks}
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]))

    subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-c", "local", playbook],
        check=True, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    return [
        json.loads((tmp_path / f"{number}.json").read_text())
        for number in range(len(cases))
    ]


def write(path: Path, value: str) -> dict[str, Any]:
    """Return a task that writes an expression as JSON."""
    content = value.replace(" }}", " | to_json }}")
    return {
        "ansible.builtin.copy": {"dest": str(path), "content": content, "mode": "0600"}
    }

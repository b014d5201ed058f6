"""FASTDEPLOY_EVENTS, from the worker's environment to the playbook."""

import pytest

from testing.installation import Installation

PLAYBOOK = """\
- name: Tell
  hosts: all
  gather_facts: false
  tasks:
    - name: Tell whose callback it is
      ansible.builtin.debug:
        msg: "callback={{ lookup('env', 'ANSIBLE_STDOUT_CALLBACK') or 'ours' }}"
"""


@pytest.mark.parametrize(
    ("variables", "callback"),
    [({}, "ours"), ({"FASTDEPLOY_EVENTS": "runner"}, "awx_display")],
    ids=["default", "runner"],
)
def test_the_worker_chooses_whose_callback_makes_the_events(
    installation: Installation, variables: dict[str, str], callback: str
) -> None:
    installation.write_files("tell", {"deploy.yml": PLAYBOOK}, playbook="deploy.yml")
    installation.worker(**variables)

    ended = installation.run("tell")

    assert 0 == ended.exit_code
    assert {"Tell": "success"} == installation.states(ended.id)
    assert f"callback={callback}" in installation.output(ended.id).decode()
    assert [] == list(installation.config_folder.iterdir())


def test_a_callback_that_nobody_knows_stops_the_worker(
    installation: Installation,
) -> None:
    worker = installation.start("worker", FASTDEPLOY_EVENTS="canary")

    assert 0 != worker.wait()
    assert 'FASTDEPLOY_EVENTS: must be "fastdeploy" or "runner"' in worker.log
    assert "canary" not in worker.log

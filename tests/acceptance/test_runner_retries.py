"""The runner on some hosts of a service, with owed handlers, by each strategy."""

import sys

import pytest

from testing.runner import Service

_PLAYS = """\
- name: Roll
  hosts: all
  gather_facts: false
  serial: 1
  strategy: STRATEGY
  tasks:
    - name: Work
      ansible.builtin.command: "true"
      failed_when: inventory_hostname in (failing | default([]))
      changed_when: false
  handlers:
    - name: Restart
      ansible.builtin.command: "true"
- name: Verify
  hosts: "{{ verified }}"
  gather_facts: false
  vars: {verified: all}
  tasks:
    - name: Look
      ansible.builtin.command: "true"
"""


def _write(service: Service, strategy: str, **config: object) -> None:
    service.write(
        service.folder / "config.json",
        {"name": "demo", "playbook": "site.yml", "inventory": "hosts.json", **config},
    )
    (service.folder / "site.yml").write_text(_PLAYS.replace("STRATEGY", strategy))
    local = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    hosts = {f"web{number}": local for number in (1, 2, 3)}
    service.write(service.folder / "hosts.json", {"all": {"hosts": hosts}})


def test_batches_and_plays_that_did_not_run_are_unfinished(service: Service) -> None:
    variables = {"properties": {"failing": {"type": "array"}, "verified": {}}}
    _write(service, "linear", variables=variables)
    service.launch(failing=["web1"], verified="web3:web1")

    outcome = service.run()

    [start] = outcome.named("playbook_on_play_start")
    assert (["web1"], ["web2", "web3", "web1"]) == (
        start["event_data"]["hosts"], start["event_data"]["waiting"]
    )  # fmt: skip
    [stats] = outcome.named("playbook_on_stats")
    assert {"web1", "web2", "web3"} == {*stats["event_data"]["unfinished"]}


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
def test_a_retry_runs_on_its_hosts_and_the_handlers_first(
    service: Service, strategy: str
) -> None:
    _write(service, strategy)
    service.resume(["web1", "web3"], {"web1": ["Restart"], "web2": ["Restart"]})

    outcome = service.run()

    assert 0 == outcome.code, outcome.output
    found = [
        (event["event_data"]["host"], event["event_data"]["task"])
        for event in outcome.named("runner_on_ok")
    ]
    rolled = [pair for pair in found if pair[1] != "Look"]
    assert [("web1", "Restart"), ("web1", "Work"), ("web3", "Work")] == rolled
    assert {"web1", "web3"} == {host for host, _ in found}
    [stats] = outcome.named("playbook_on_stats")
    assert not stats["event_data"].keys() & {"unfinished", "missing_handlers"}

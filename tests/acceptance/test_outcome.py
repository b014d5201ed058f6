"""The outcome of real playbooks: reasons, warnings, and what a page says of them."""

import html
import re
import sys
from dataclasses import dataclass

import ansible_runner
import httpx
import pytest

from app.domain.deployment import Status
from testing.installation import Installation

#: Three hosts on this machine, and one to which nothing leads.
HOSTS = f"""\
[web]
a
b
c
[web:vars]
ansible_connection=local
ansible_python_interpreter={sys.executable}
[gone]
away ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1
[empty]
"""
FAILING = "#!/bin/sh\necho no token for the cloud >&2\nexit 3\n"
#: Fails on host a alone.
ON_A = "{name: Check, ansible.builtin.command: 'test {{ inventory_hostname }} != a'}"


def play(hosts: str, *tasks: str, name: str = "Migrate", **keywords: str) -> str:
    """A play of a playbook; the tasks are YAML, each on a line."""
    head = [f"- name: {name}", f"  hosts: {hosts}", "  gather_facts: false"]
    head += [f"  {key}: {value}" for key, value in keywords.items()]
    return "\n".join([*head, "  tasks:", *(f"  - {task}" for task in tasks)]) + "\n"


DEBUG = "{ansible.builtin.debug: {msg: on}, name: Go on}"
CLEAR = "{ansible.builtin.meta: clear_host_errors, name: Forget}"
IGNORE = "{ansible.builtin.command: hostname, name: Knock, ignore_unreachable: true}"
ONCE = "{ansible.builtin.command: 'false', name: Once, run_once: true}"
RESCUE = f"{{name: Try, block: [{ON_A}], rescue: [{DEBUG}]}}"
NOT_BOOLEAN = "{ansible.builtin.command: echo 1, name: Count, changed_when: \"'x'\"}"
NOTIFY = "{ansible.builtin.command: 'true', name: Change, notify: Restart nothing}"


@dataclass(frozen=True)
class Case:
    """A playbook, and what has to become of a deployment of it."""

    playbook: str
    status: Status = Status.SUCCESSFUL
    #: A pattern that the whole reason matches.
    reason: str = ""
    warnings: tuple[str, ...] = ()
    inventory: str = "hosts.ini"
    ansible_cfg: str = ""


FAILED = Status.FAILED
CASES = {
    "missing-role": Case(
        play("web", DEBUG, roles="[nobody]"), FAILED,
        r"exit code 1: [Tt]he role 'nobody' was not found in.* "
        r"\(/.*/site.yml:4:11\)",
    ),
    "missing-handler": Case(
        play("a", NOTIFY), FAILED,
        r"exit code 1 in step Migrate: The requested handler 'Restart nothing' was not "
        r"found .*",
    ),
    "changed-when-is-no-boolean": Case(
        play("a", NOT_BOOLEAN), FAILED,
        r"exit code 2 in step Migrate: Count: failed on a: .*"
        r"Conditionals must have a boolean result\.",
    ),
    "inventory-script-fails": Case(
        play("all", DEBUG), FAILED,
        r"exit code 1: Failed to parse inventory with 'script' plugin: "
        r"Inventory script returned non-zero exit code 3\. \(.*dyn\.sh.*\)",
        inventory="dyn.sh",
    ),
    "inventory-may-fail": Case(
        play("localhost", DEBUG), inventory="dyn.sh",
        ansible_cfg="[inventory]\nunparsed_is_failed = false\n",
    ),
    "no-host-matched": Case(
        play("wbe", DEBUG) + play("empty", DEBUG), FAILED,
        r"no host matched, nothing was run \(hosts: wbe; empty\)",
    ),
    "one-play-matched": Case(play("wbe", DEBUG) + play("a", DEBUG)),
    "nothing-to-do": Case("- {hosts: web, gather_facts: false, tasks: []}\n"),
    "cleared": Case(
        play("web:gone", ON_A, CLEAR) + play("web", DEBUG),
        warnings=(
            "a failed in Migrate (Check) and was cleared by the playbook",
            ("away could not be reached in Migrate (Check) and was cleared by the "
            "playbook"),
        ),
    ),
    "rescued": Case(
        play("web", RESCUE),
        warnings=("a failed in Migrate (Check) and was rescued by the playbook",),
    ),
    "run-once": Case(
        play("web", ONCE, DEBUG), FAILED,
        r"exit code 2 in step Migrate: Once: failed on a: .*",
        ("2 hosts of play Migrate did nothing further: b, c",),
    ),
    "any-errors-fatal": Case(
        play("web", ON_A, DEBUG, any_errors_fatal="true"), FAILED,
        r"exit code 2 in step Migrate: Check: failed on a: .*",
        ("2 hosts of play Migrate did nothing further: b, c",),
    ),
    "max-fail-percentage": Case(
        play("web", ON_A, DEBUG, max_fail_percentage="10"), FAILED,
        r"exit code 2 in step Migrate: Check: failed on a: .*",
        ("2 hosts of play Migrate did nothing further: b, c",),
    ),
    "others-went-on": Case(
        play("web", ON_A, DEBUG), FAILED,
        r"exit code 2 in step Migrate: Check: failed on a: .*",
    ),
}  # fmt: skip


def launch(fastdeploy: Installation, name: str, case: Case) -> int:
    """Deploy the case's playbook as a service; returns the deployment's number."""
    files = {"site.yml": case.playbook, "hosts.ini": HOSTS, "dyn.sh": FAILING}
    if case.ansible_cfg:
        files["ansible.cfg"] = case.ansible_cfg
    folder = fastdeploy.write_files(
        name, files, playbook="site.yml", inventory=case.inventory
    )
    (folder / "hosts.ini").chmod(0o644)
    return fastdeploy.run(name).id


@pytest.mark.parametrize(("name", "case"), CASES.items(), ids=CASES)
def test_a_playbook_ends_with_the_right_status_reason_and_warnings(
    fastdeploy: Installation, client: httpx.Client, name: str, case: Case
) -> None:
    number = launch(fastdeploy, name, case)

    found = client.get(f"/api/v1/deployments/{number}").json()
    assert (case.status, "\x1b" in found["reason"]) == (found["status"], False)
    assert re.fullmatch(case.reason, found["reason"], re.DOTALL), found["reason"]
    # Hosts fail in any order.
    sentences = {warning["message"] for warning in found["warnings"]}
    assert set(case.warnings) == sentences


def test_the_error_of_ansible_stands_on_top_of_what_failed(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    number = launch(fastdeploy, "on-top", CASES["missing-role"])

    page = client.get(f"/deployments/{number}", headers={"Accept": "text/html"}).text

    section = html.unescape(page.split("Failures</h2>")[1].split("</section>")[0])
    message, lines = section.split("Surrounding output")
    assert "role 'nobody' was not found in" in message
    assert "site.yml:4:11" in message
    assert "[ERROR]" in lines
    assert "roles: [nobody]" in lines


def test_an_ignored_unreachable_host_is_ignored_everywhere(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    number = launch(fastdeploy, "ignored", Case(play("gone", IGNORE, DEBUG)))

    view = fastdeploy.view(number)
    as_page = {"Accept": "text/html"}
    page = client.get(f"/deployments/{number}", headers=as_page).text
    grid = client.get(f"/deployments/{number}/results", headers=as_page).text
    results = {(event.task, event.result) for event in fastdeploy.events(number)}

    assert [
        "away could not be reached in Migrate (Knock), which the playbook ignores"
    ] == (list(map(str, view.deployment.warnings)))
    assert ["success"] == [step.state for step in view.steps]
    assert "rescued" not in view.steps[0].message
    assert ("Knock", "ignored") in results
    assert "<span>ignored</span>" in grid
    assert "1 warning" in page


def test_set_stats_and_stderr_are_there_afterwards(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    stats = "{ansible.builtin.set_stats: {data: {version: 1.10, files: [x, y]}}}"
    number = launch(fastdeploy, "totals", Case(play("a", stats)))

    totals = client.get(f"/api/v1/deployments/{number}").json()["set_stats"]
    address = f"/deployments/{number}/results"
    page = client.get(address, headers={"Accept": "text/html"}).text
    config = ansible_runner.RunnerConfig(
        private_data_dir=str(fastdeploy.run_folder(number)), ident=str(number)
    )
    runner = ansible_runner.Runner(config)

    assert {"version": 1.1, "files": ["x", "y"]} == totals
    assert '<dt>files</dt><dd>["x", "y"]</dd>' in html.unescape(page)
    with runner.stderr as stderr:
        assert "" == stderr.read()

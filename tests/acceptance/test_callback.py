"""The callback plugin beside what else runs: other callbacks, nested Ansible."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.runner import Outcome, Service, bare, define, short_folder

CLOCK = '''
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: {name}
type: aggregate
short_description: prints below each banner, result and recap
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "{name}"
    CALLBACK_NEEDS_ENABLED = {needs_enabled}

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._display.display("{name} below the banner of " + task.get_name())

    def v2_runner_on_ok(self, result):
        print("{name} below the result of " + result.task.get_name())
        print("{name} got", sorted(result.result))

    def v2_playbook_on_stats(self, stats):
        print("{name} below ", end="")
        print("the recap", end="")
'''


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with short_folder() as temp:
        made = Service(tmp_path, temp)
        yield made
        made.end()


def add_callbacks(service: Service) -> None:
    """Add a callback by ansible.cfg, and one in Ansible's default folder."""
    for folder, name, needs_enabled in (
        (service.folder / "own", "configured", True),
        (service.home / ".ansible" / "plugins" / "callback", "default", False),
    ):
        folder.mkdir(parents=True)
        plugin = CLOCK.format(name=f"{name}_clock", needs_enabled=needs_enabled)
        (folder / f"{name}_clock.py").write_text(plugin)
    (service.folder / "ansible.cfg").write_text(
        "[defaults]\ncallback_plugins = ./own:~/.ansible/plugins/callback\n"
        "callbacks_enabled = configured_clock\n"
    )


def result(outcome: Outcome, task: str) -> list[str]:
    [event] = outcome.named("runner_on_ok", task)
    lines: list[str] = event["event_data"]["res"]["stdout_lines"]
    return lines


def test_other_callbacks_print_where_they_print_without_fastdeploy(
    service: Service,
) -> None:
    define(service, "timed.yml")
    add_callbacks(service)

    # An event's text has no blank lines at its end.
    expected = [line for line in bare(service, "timed.yml").split("\n") if line]
    found = [
        [line for line in service.run().output.split("\n") if line] for _ in range(3)
    ]

    assert 1 == sum(line.endswith("clock below the recap") for line in expected)
    assert "configured_clock below the banner of Two" in expected
    assert [expected] * 3 == found


def test_the_default_folder_of_callbacks_is_searched(service: Service) -> None:
    define(service, "timed.yml")
    add_callbacks(service)
    (service.folder / "ansible.cfg").write_text("")

    outcome = service.run()

    assert "default_clock below the result of Three\n" in outcome.output
    assert "configured_clock" not in outcome.output


def test_a_task_that_calls_ansible_gets_its_usual_output(service: Service) -> None:
    define(service, "nested.yml")

    outcome = service.run()

    assert 0 == outcome.code
    inner = result(outcome, "Run another playbook")
    assert any("changed=1" in line for line in inner)
    assert "TASK [Inner task]" in "\n".join(inner)
    asked = result(outcome, "Ask by the ad-hoc command")
    assert ["localhost | SUCCESS => {", '    "msg": "hello"', "}"] == asked
    names = {line.partition("=")[0] for line in result(outcome, "Show the environment")}
    # What keeps ssh strict applies to a nested run, too.
    strict = {f"ANSIBLE_{program}_EXTRA_ARGS" for program in ("SSH", "SFTP", "SCP")}
    # Workers read whether they use pipelining after the callback was loaded.
    strict |= {"ANSIBLE_SSH_CONTROL_PATH_DIR", "ANSIBLE_SSH_PIPELINING"}
    assert {"FASTDEPLOY_RUN", *strict} >= {
        name for name in names if name.startswith(("ANSIBLE_", "FASTDEPLOY_"))
    }
    # Our own display keeps its colours.
    assert "\x1b[0;33mchanged: [alpha]" in outcome.display


def test_an_inventory_script_that_calls_ansible_takes_no_events(
    service: Service,
) -> None:
    """It runs before Ansible loads our callback, with all of our environment."""
    define(service, "timed.yml")
    program = Path(sys.executable).with_name("ansible-playbook")
    script = service.folder / "hosts.sh"
    script.write_text(
        f"#!/bin/sh\n{program} -i localhost, nested/inner.yml >inner.log 2>&1\n"
        "exec cat hosts.json.txt\n"
    )
    script.chmod(0o755)
    hosts = '{"all": {"hosts": ["alpha"], "vars": {"ansible_connection": "local"}}}'
    (service.folder / "hosts.json.txt").write_text(hosts)
    (service.folder / "config.json").write_text(
        '{"name": "demo", "playbook": "timed.yml", "inventory": "hosts.sh"}'
    )

    outcome = service.run()

    log = (service.folder / "inner.log").read_text()
    assert "PLAY [Inner]" in log
    assert not outcome.named("playbook_on_task_start", "Inner task")
    assert outcome.named("runner_on_ok", "Two")


def test_a_long_result_is_kept_whole(service: Service) -> None:
    define(service, "long.yml")

    outcome = service.run()

    output = re.sub(r"\x1b\[[0-9;]*m", "", outcome.output)
    lines = re.findall(r'^ +"line (\d+)",?$', output, re.MULTILINE)
    assert [str(number) for number in range(50000)] == lines
    assert f'"{"x" * 600_000} THE END"' in output
    assert max(map(len, outcome.lines)) < 1_500_000


def test_a_no_log_that_cannot_be_used_says_why_and_where(service: Service) -> None:
    define(service, "hidden.yml")

    outcome = service.run()

    playbook = service.folder / "hidden.yml"
    output = re.sub(r"\x1b\[[0-9;]*m", "", outcome.output)
    warning = "[WARNING]: Invalid no_log value for task, output will be masked."
    assert f"{warning} 'not_a_variable' is undefined.\nOrigin: {playbook}:10:15" in (
        output
    )
    assert f"{warning}\nOrigin: {playbook}:14:15" in output
    assert f"no_log hides the reason.\nOrigin: {playbook}:16:7" in output
    assert "canary" not in outcome.journal.decode()

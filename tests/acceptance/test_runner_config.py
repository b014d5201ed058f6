"""What config.json, ansible.cfg and a launch choose arrives in the playbook."""

import json
import shutil
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from testing.paths import ROOT
from testing.runner import Service


def test_the_settings_and_the_folder_of_the_service_are_those_of_the_run(
    service: Service,
) -> None:
    service.define("environment.yml")

    outcome = service.run()

    assert 0 == outcome.code
    assert "cache=memory" in outcome.display
    place = outcome.named("runner_on_ok", "the place")[0]["event_data"]["res"]
    assert str(service.folder) == place["stdout_lines"][-1]


@pytest.mark.parametrize("config", ["service", "home"])
def test_a_service_without_inventory_uses_the_one_of_ansible_cfg(
    service: Service, config: str
) -> None:
    service.define("hosts_of_all.yml")
    inventory = service.folder / "inventories" / "production"
    (inventory / "group_vars").mkdir(parents=True)
    hosts = {"web1": {"ansible_connection": "local"}}
    service.write(inventory / "hosts.json", {"all": {"hosts": hosts}})
    service.write(inventory / "group_vars" / "all.json", {"stage": "production"})
    names = {
        "service": service.folder / "ansible.cfg",
        "home": service.home / ".ansible.cfg",
    }
    names[config].write_text(f"[defaults]\ninventory = {inventory} ; of this stage\n")

    outcome = service.run()

    assert "web1 production" in outcome.display
    assert "localhost" not in outcome.display


def test_a_service_without_any_inventory_runs_on_this_host(service: Service) -> None:
    service.define("hosts_of_all.yml")
    (service.folder / "ansible.cfg").write_text("[defaults]\nforks = 3\n")

    assert "localhost without a stage" in service.run().display


def test_the_environment_of_config_json_reaches_the_playbook(service: Service) -> None:
    environment = {"HTTPS_PROXY": "http://of-the-service", "DEPLOY_STAGE": "1.10"}
    service.define("environment.yml", environment=environment)

    outcome = service.run({"HTTPS_PROXY": "http://of-the-worker", "NO_PROXY": "local"})

    printed = outcome.named("runner_on_ok", "environment")[0]["event_data"]["res"]
    assert {
        "HTTPS_PROXY=http://of-the-service", "DEPLOY_STAGE=1.10", "NO_PROXY=local"
    } <= set(printed["stdout_lines"])  # fmt: skip


def test_a_variable_is_data_and_never_a_template(service: Service) -> None:
    service.define("forge.yml", variables={"properties": {"forged": {}}})
    value = "{{ lookup('pipe', 'echo pwned') }} \u2028 \x7f \N{SNAKE} 'x': #"
    service.launch(forged=value)

    outcome = service.run()

    [shown, *_] = outcome.named("runner_on_ok", "Forge in a name")
    assert value == shown["event_data"]["res"]["msg"]


_TEXTS = (
    st.text(st.characters(codec="utf-8"), max_size=20)
    # What YAML takes for something else, and what Jinja evaluates.
    | st.sampled_from([
        "1.10", "1.0", "yes", "No", "on", "0123", "007", "0x10", "1_000", "1:30",
        "1e3", "null", "~", "", " ", "=", "<<", "- a", "a: b", "#", "!unsafe x",
        "2024-01-01", "2024-01-01T00:00:00Z", ".inf", "{{ 1 + 1 }}", "{% raw %}",
        "{{ lookup('pipe', 'echo pwned') }}", "\N{SNAKE}", "\u2028", "\x85", "\0",
    ])
)  # fmt: skip


_NUMBERS = (
    st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1e-7, 1e22, 1e-300, -0.0, 1.0])
)


_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_TEXTS.filter(lambda key: "__" not in key), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(
    max_examples=3,
    deadline=None,
    # One service for all examples: each has a run of its own.
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(values=st.lists(_VALUES, min_size=60, max_size=120))
def test_every_value_arrives_in_ansible_as_it_was_sent(
    service: Service, values: list[Any]
) -> None:
    service.define("values.yml", variables={"properties": {"values": {}}})
    service.launch(values=values)

    outcome = service.run()

    assert 0 == outcome.code, outcome.text
    arrived = json.loads((service.folder / "arrived.json").read_bytes())
    assert list(map(repr, values)) == list(map(repr, arrived))


def test_the_config_file_chooses_whose_callback_makes_the_events(
    service: Service,
) -> None:
    service.define("environment.yml")
    env = {"CANARY": "canary", "ANSIBLE_CALLBACK_PLUGINS": "/canary"}

    def callback() -> str:
        outcome = service.run(env)
        assert 0 == outcome.code
        assert ["starting", "running", "successful"] == outcome.statuses
        assert b"canary" not in outcome.journal
        printed = outcome.named("runner_on_ok", "environment")[0]["event_data"]["res"]
        prefix = "ANSIBLE_STDOUT_CALLBACK="
        lines = printed["stdout_lines"]
        # Only ansible-runner's own is still in the environment of a task.
        found = (line for line in lines if line.startswith(prefix))
        return next(found, "ours").removeprefix(prefix)

    assert "ours" == callback()
    service.launch(events="fastdeploy")
    assert "ours" == callback()
    service.launch(events="runner")
    assert "awx_display" == callback()


def test_the_folder_works_alone(service: Service) -> None:
    """Without the rest of FastDeploy, as it is installed for user deploy."""
    service.define("failing.yml")
    alone = service.home / "lib"
    shutil.copytree(ROOT / "app" / "runner", alone / "app" / "runner")
    (alone / "app" / "__init__.py").touch()

    outcome = service.run(cwd=alone)

    assert 2 == outcome.code
    assert outcome.named("runner_on_failed")

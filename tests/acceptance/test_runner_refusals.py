"""The runner refuses a run that can't work, before Ansible starts."""

import subprocess
import sys
from typing import Any

import pytest

from testing.paths import ROOT
from testing.runner import Service


def refuse(service: Service) -> str:
    """Run; return the sentence that it was refused with."""
    outcome = service.run()

    assert 64 == outcome.code
    assert 1 == len(outcome.lines)
    assert b"Traceback" not in outcome.journal
    return outcome.text


@pytest.mark.parametrize("name", ["ansible_connection", "other", 'x\n{"event": 1}'])
def test_a_variable_that_the_service_does_not_name_is_refused(
    service: Service, name: str
) -> None:
    service.define("nobody.yml", variables={"properties": {"known": {}}})
    service.launch(None, (), **{"known": 1, name: "canary"})

    sentence = refuse(service)

    assert repr(name) in sentence
    assert "canary" not in sentence


def test_a_playbook_that_asks_somebody_is_refused(service: Service) -> None:
    service.define("required.yml")

    assert 'required.yml:5 asks for "answer"' in refuse(service)


def test_a_playbook_does_not_ask_for_a_variable_of_the_launch(service: Service) -> None:
    service.define("asking.yml", variables={"properties": {"answer": {}}})
    service.launch(answer="me")

    outcome = service.run()

    assert 0 == outcome.code
    assert "answer=me" in outcome.display


@pytest.mark.parametrize(
    ("definition", "says"),
    [
        pytest.param({"playbook": "gone.yml"}, "missing", id="missing"),
        pytest.param({"playbook": "../outside.yml"}, "outside", id="dots"),
        pytest.param({"playbook": "link.yml"}, "outside", id="symlink"),
        pytest.param({"playbook": "/etc/passwd"}, "outside", id="absolute"),
        pytest.param({"playbook": "nobody.yml", "inventory": "link.yml"}, "outside",
                     id="inventory"),
        pytest.param({"playbook": 42}, "must be a text", id="number"),
        pytest.param({"deploy_script": "deploy.py"}, '"playbook"', id="script"),
        pytest.param({"playbook": "nobody.yml", "timeout": "x"}, "timeout", id="time"),
        pytest.param({"playbook": "nobody.yml", "name": "else"}, "else", id="name"),
        pytest.param({"playbook": "nobody.yml", "variables": []}, "Schema", id="vars"),
    ],
)  # fmt: skip
def test_a_bad_definition_is_refused(
    service: Service, definition: dict[str, Any], says: str
) -> None:
    service.define("nobody.yml")
    (service.folder.parent / "outside.yml").write_text("[]")
    (service.folder / "link.yml").symlink_to("../outside.yml")
    service.write(service.folder / "config.json", {"name": "demo", **definition})

    assert says in refuse(service)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("", "not valid JSON", id="empty"),
        pytest.param('{"canary"', "not valid JSON", id="torn"),
        pytest.param("[42]", "JSON object", id="list"),
        pytest.param('{"deployment_id": "../7"}', "deployment_id", id="id"),
        pytest.param('{"deployment_id": 7, "service_name": "b"}', "demo", id="service"),
        pytest.param(
            '{"deployment_id": 7, "service_name": "demo", "events": "canary"}',
            "fastdeploy, runner: correct FASTDEPLOY_EVENTS",
            id="events",
        ),
    ],
)
def test_a_bad_config_file_is_refused(
    service: Service, content: str, says: str
) -> None:
    service.define("nobody.yml")
    service.config = service.config.with_name("other.json")
    service.config.write_text(content)

    sentence = refuse(service)

    assert says in sentence
    assert "canary" not in sentence


@pytest.mark.parametrize(
    ("events", "programs", "prompts", "says"),
    [
        pytest.param("fastdeploy", [], False, "install ansible-core", id="core"),
        pytest.param(
            "fastdeploy", ["ansible-playbook"], True, "no module yaml", id="yaml"
        ),
        pytest.param(
            "runner", ["ansible-playbook"], False, "install ansible-runner", id="runner"
        ),
    ],
)
def test_a_missing_ansible_is_refused(
    service: Service, events: str, programs: list[str], says: str, *, prompts: bool
) -> None:
    """A bare interpreter with nothing but the runner's folder."""
    service.define("nobody.yml")
    if not prompts:
        for name in ("asking.yml", "pausing.yml", "required.yml"):
            (service.folder / name).unlink()
    service.launch(events)
    bare = service.home / "bare"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", bare], check=True, timeout=60
    )
    for name in programs:
        (bare / "bin" / name).touch(0o755)
    process = subprocess.run(
        [bare / "bin" / "python", "-m", "app.runner", "--service", service.folder,
         "--config", service.config],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": "/nonexistent", "TMPDIR": str(service.temp)},
    )  # fmt: skip

    assert 64 == process.returncode
    assert says in process.stdout
    assert 1 == len(process.stdout.splitlines())
    assert "" == process.stderr

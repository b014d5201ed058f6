"""`environment` in config.json: sync and the runner refuse the same names."""

import json
from pathlib import Path

import pytest

from app.domain.config_json import parse
from app.errors import Invalid
from app.runner import environment
from app.runner.definition import read_definition
from app.runner.errors import RunnerError


def write(folder: Path, environment: dict[str, str]) -> bytes:
    (folder / "site.yml").touch()
    content = {"name": "shop", "playbook": "site.yml", "environment": environment}
    path = folder / "config.json"
    path.write_text(json.dumps(content))
    return path.read_bytes()


@pytest.mark.parametrize(
    "name",
    ["FASTDEPLOY_RUN", "FASTDEPLOY_EVENT_PIPE", "ANSIBLE_STDOUT_CALLBACK",
     "ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_FORCE_COLOR", "OPTIND", "PWD",
     "", "A=B", "1A", "A-B", "A\n", "A\0", "Ä"],
)  # fmt: skip
def test_a_name_that_would_break_a_run_is_refused(tmp_path: Path, name: str) -> None:
    content = write(tmp_path, {name: "hunter2222"})

    with pytest.raises(Invalid, match="environment") as invalid:
        parse(content, "shop")
    with pytest.raises(RunnerError, match="environment") as refused:
        read_definition(tmp_path)
    assert "hunter2222" not in f"{invalid.value} {refused.value}"


@pytest.mark.parametrize("text", ["a\0b", "\udc80"])
def test_a_text_that_no_environment_can_hold_is_refused(
    tmp_path: Path, text: str
) -> None:
    content = write(tmp_path, {"STAGE": text})

    with pytest.raises(Invalid):
        parse(content, "shop")
    with pytest.raises(RunnerError, match="STAGE"):
        read_definition(tmp_path)


def test_every_other_name_is_kept_as_it_is(tmp_path: Path) -> None:
    environment = {"PATH": "/opt/bin", "http_proxy": "", "ANSIBLE_FORKS": "5",
                   "PYTHONPATH": "lib", "_": "pässword\n"}  # fmt: skip
    content = write(tmp_path, environment)

    assert environment == parse(content, "shop").environment
    assert environment == read_definition(tmp_path).environment


def test_what_the_service_has_set_reaches_a_task_that_calls_ansible() -> None:
    """The callback plugin removes what FastDeploy has added, and nothing else."""
    ours = environment.build({}, {})["FASTDEPLOY_TRANSIENT"].split()

    chosen = environment.build({}, {"ANSIBLE_RETRY_FILES_ENABLED": "True"})

    assert "ANSIBLE_RETRY_FILES_ENABLED" in ours
    assert "True" == chosen["ANSIBLE_RETRY_FILES_ENABLED"]
    assert {"ANSIBLE_RETRY_FILES_ENABLED"} == {*ours} - {
        *chosen["FASTDEPLOY_TRANSIENT"].split()
    }

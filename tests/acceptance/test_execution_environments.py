"""Projects that require another ansible-core, packages, collections and roles."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.deployment import Deployment, Status
from app.domain.events import EventKind
from app.runner.journal import ENVIRONMENT_STEP as STEP
from testing.command_line import command
from testing.environment_projects import (
    write_project,
    write_requirements,
    write_slow_package,
)
from testing.installation import Installation, installed
from testing.paths import NEWER_PYTHONS
from testing.postgres import Postgres
from testing.runs import cancel, canceled
from testing.waiting import eventually

#: Seconds for a deployment that builds an environment.
_PATIENCE = 120.0


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation whose worker finds newer Pythons."""
    with installed(postgres, tmp_path_factory.mktemp("environments")) as made:
        made.worker(PATH=NEWER_PYTHONS)
        yield made


def environments(site: Installation) -> list[Path]:
    """Return the folders of the complete environments."""
    return [path.parent for path in site.settings.data.glob("environments/*/complete")]


def deploy(site: Installation, service: str) -> Deployment:
    return site.ended(site.launch(service), _PATIENCE)


def events(site: Installation, number: int) -> Counter[tuple[str, str, str]]:
    """Return how often each event of Ansible was recorded for each task and host."""
    return Counter(
        (each.name, each.task, each.host)
        for each in site.events(number)
        if each.kind is EventKind.RUNNER
    )


def test_two_projects_run_with_two_versions_and_equal_events(
    site: Installation,
) -> None:
    for name in ("old", "new"):
        write_requirements(site.services / name, git=name == "new")
    keys: dict[str, object] = {
        "requirements": ["requirements.yml"], "python": ["netaddr"]
    }  # fmt: skip
    write_project(site, "old", {"ansible": ">=2.19,<2.20", **keys})
    # The step of the build is the first one, whatever the service declares.
    keys["defaults"] = {"steps": ["Rescue"]}
    write_project(site, "new", {"ansible": ">=2.20", **keys})

    old, new = deploy(site, "old/site"), deploy(site, "new/site")

    assert Status.SUCCESSFUL == old.status, old.reason
    assert Status.SUCCESSFUL == new.status, new.reason
    assert "core 2.19." in site.output(old.id).decode()
    assert "core 2.2" in site.output(new.id).decode()
    for text in ("HELLO", "greetings"):
        assert text in site.output(new.id).decode()
    assert events(site, old.id) == events(site, new.id)
    assert events(site, new.id)["runner_on_ok", "Show the version", "localhost"] == 1
    assert "success" == site.states(new.id)[STEP]
    step, *declared = site.view(new.id).steps
    assert STEP == step.name
    assert (step.seconds or 0) > 0
    assert "Rescue" == declared[0].name

    again = deploy(site, "new/site")

    assert Status.SUCCESSFUL == again.status
    assert STEP not in site.states(again.id)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"python": ["no-such-package-of-fastdeploy"]},
         "no-such-package-of-fastdeploy was not found in the package registry"),
        ({"ansible": ">=2.19,<2.19.0"}, "you require ansible-core<2.19.0"),
        ({"requirements": ["requirements.yml"]}, "no-such-folder"),
    ],
)  # fmt: skip
def test_a_failed_build_ends_the_run_with_the_reason(
    site: Installation, keys: dict[str, object], reason: str
) -> None:
    before, left = environments(site), incomplete(site)
    folder = site.services / "failing"
    folder.mkdir(exist_ok=True)
    (folder / "requirements.yml").write_text(
        "collections: [{name: ./no-such-folder/x, type: dir}]\n"
    )
    write_project(site, "failing", keys)

    for _ in range(2):
        ended = deploy(site, "failing/site")

        assert Status.FAILED == ended.status
        assert ended.reason.startswith("exit code 64")
        assert reason in ended.reason
        # Another Python would help in none of these cases.
        assert "no Python of this host" not in ended.reason
        assert "failure" == site.states(ended.id)[STEP]
    assert sorted(before) == sorted(environments(site))
    assert left == incomplete(site)


def incomplete(site: Installation) -> set[Path]:
    return {
        path
        for path in site.settings.data.glob("environments/[0-9a-f]*")
        if not (path / "complete").exists()
    }


def test_two_runs_at_once_build_once(site: Installation, tmp_path: Path) -> None:
    slow = write_slow_package(tmp_path / "slow")
    write_project(site, "twice", {"python": ["netaddr", slow]}, "- hosts: all\n")
    numbers = [site.launch("twice/site"), site.launch("twice/other")]
    eventually(
        lambda: all(site.states(n).get(STEP) == "running" for n in numbers), _PATIENCE
    )
    eventually((tmp_path / "slow" / "started").exists, _PATIENCE)

    (tmp_path / "slow" / "gate").write_text("")

    for number in numbers:
        assert Status.SUCCESSFUL == site.ended(number, _PATIENCE).status
    printed = b"".join(map(site.output, numbers)).decode()
    assert 1 == printed.count("Creating virtual environment")


def test_a_canceled_build_leaves_nothing(site: Installation, tmp_path: Path) -> None:
    before, left = environments(site), incomplete(site)
    slow = write_slow_package(tmp_path / "slow")
    write_project(site, "canceled", {"python": [slow]})
    number = site.launch("canceled/site")
    eventually((tmp_path / "slow" / "started").exists, _PATIENCE)

    cancel(site, number)

    canceled(site, number)
    assert left == incomplete(site)
    assert sorted(before) == sorted(environments(site))


def test_a_build_that_was_killed_is_repeated(
    site: Installation, tmp_path: Path
) -> None:
    left = incomplete(site)
    slow = write_slow_package(tmp_path / "slow")
    write_project(site, "killed", {"python": [slow]}, "- hosts: all\n")
    number = site.launch("killed/site")
    eventually((tmp_path / "slow" / "started").exists, _PATIENCE)

    site.kill_run(number)

    assert Status.FAILED == site.ended(number, _PATIENCE).status
    assert 1 == len(incomplete(site) - left)
    # The next build reads the FIFO from its beginning.
    (tmp_path / "slow" / "started").unlink()
    again = site.launch("killed/site")
    eventually((tmp_path / "slow" / "started").exists, _PATIENCE)
    (tmp_path / "slow" / "gate").write_text("")
    assert Status.SUCCESSFUL == site.ended(again, _PATIENCE).status
    assert left == incomplete(site)


def test_an_environment_that_a_run_uses_is_not_removed(
    site: Installation, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    playbook = (
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
        f'    - ansible.builtin.command: "cat {gate}"\n'
    )
    write_project(site, "used", {"python": ["netaddr>=0.10"]}, playbook)
    number = site.launch("used/site")
    eventually(lambda: site.states(number).get(STEP) == "success", _PATIENCE)
    listed = json.loads(command(site, "environment", "list", "--json").stdout)
    [name] = [each["name"] for each in listed if each["projects"] == ["used"]]
    write_project(site, "used", {}, playbook)

    pruned = command(site, "environment", "prune").stdout
    removed = command(site, "environment", "remove", name[:8])

    assert f"execution environment {name} is used by a run\n" in pruned
    assert 1 == removed.returncode
    gate.write_text("")
    assert Status.SUCCESSFUL == site.ended(number, _PATIENCE).status
    pruned = command(site, "environment", "prune").stdout
    assert f"execution environment {name} is removed\n" in pruned
    assert name not in {path.name for path in environments(site)}

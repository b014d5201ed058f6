"""Projects with faults are refused with one sentence and don't affect others."""

import os
import resource
import time
from pathlib import Path

from app.domain.deployment import Status
from app.runner.project_file import NAME as PROJECT_FILE
from app.usecases import project_views, trends
from app.usecases.services import find_service
from testing.command_line import assert_refused, command
from testing.installation import Installation
from testing.waiting import eventually

_SCRIPT = """\
#!/bin/sh
cd "$(dirname "$0")"
touch started-$$
while [ ! -e go ]; do sleep 0.02; done
"""


def _project(made: Installation, name: str, text: str, **files: str) -> Path:
    """Write a project into the services folder, and return its folder."""
    folder = made.services / name
    folder.mkdir()
    (folder / "fastdeploy.yml").write_text(text)
    for file, content in files.items():
        (folder / file.replace("_yml", ".yml")).write_text(content)
    return folder


_PLAY = "- hosts: localhost\n  gather_facts: false\n  tasks: []\n"


def test_an_invalid_project_is_one_sentence_and_others_are_not_affected(
    installation: Installation,
) -> None:
    _project(installation, "good", "project: good\nservices: {site: {playbook: s.yml}}",
             s_yml=_PLAY)  # fmt: skip
    bomb = "".join(f"  a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n"
                   for n in range(1, 12))  # fmt: skip
    texts = {
        "list": "- a\n",
        "unknown": "project: unknown\nservices: {a: {playbook: a.yml}}\nfoo: 1\n",
        "twice": "project: twice\nservices:\n  a: {playbook: a.yml}\n  a: {}\n",
        "bare": "project: bare\nenvironments:\n  e: {}\nservices: {a: {}}\n",
        "bomb": f"project: bomb\ndefaults:\n  a0: &a0 [x]\n{bomb}services: {{}}\n",
        "deep": "[" * 200_000,
        "gone": "project: gone\nservices:\n  a: {playbook: gone.yml}\n",
        "cyclic": "project: cyclic\nservices:\n  a: {playbook: loop.yml}\n",
        "binary": "project: binary\nservices:\n  a: {playbook: a.yml, b: \udcff}\n",
    }
    for name, text in texts.items():
        folder = _project(installation, name, "")
        (folder / "fastdeploy.yml").write_bytes(text.encode(errors="surrogateescape"))
        (folder / "loop.yml").symlink_to("loop.yml")
    before = time.process_time()

    synced = installation.sync()

    assert time.process_time() - before < 5
    assert ("good/site",) == synced.valid
    invalid = synced.invalid
    assert "fastdeploy.yml must be a mapping" in invalid["list"]
    assert invalid["unknown"].startswith("fastdeploy.yml, line 3: foo: ")
    assert "line 4: services.a is defined twice, first in line 3" in invalid["twice"]
    assert "line 3: environments.e.inventory: is required" in invalid["bare"]
    assert "with its aliases" in invalid["bomb"]
    assert "levels deep" in invalid["deep"]
    assert invalid["gone/a"].startswith(
        'fastdeploy.yml, line 3: "gone.yml" of "playbook" is missing in '
    )
    assert invalid["cyclic/a"].startswith(
        'fastdeploy.yml, line 3: "loop.yml" of "playbook" is a link to itself in '
    )
    assert invalid["binary"].startswith("fastdeploy.yml: invalid YAML: ")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_500_000


def test_a_project_that_cannot_be_added_leaves_nothing(
    installation: Installation, tmp_path: Path
) -> None:
    infra = tmp_path / "infra"
    infra.mkdir()
    nothing = command(installation, "project", "add", str(infra), "--yes")
    (infra / "site.yml").write_text(_PLAY)
    (infra / "fastdeploy.yml").write_text("- a\n")
    invalid = command(installation, "project", "add", str(infra), "--yes")
    (infra / "fastdeploy.yml").unlink()
    (installation.services / "infra").mkdir()
    taken = command(installation, "project", "add", str(infra), "--yes")

    assert "there is no playbook in " in nothing.stderr
    assert_refused(
        invalid, 'fastdeploy.yml must be a mapping with the key "services": correct it.'
    )
    assert "there is a project or service infra already" in taken.stderr
    assert ["infra"] == [path.name for path in installation.services.iterdir()]
    assert ["site.yml"] == [path.name for path in infra.iterdir()]


def test_a_project_without_a_valid_service_says_what_to_correct(
    installation: Installation, tmp_path: Path
) -> None:
    infra = tmp_path / "unready"
    infra.mkdir()
    (infra / "site.yml").write_text(_PLAY)
    (infra / PROJECT_FILE).write_text(
        "project: unready\nservices:\n  site: {playbook: site.yml, timeout: 0}\n"
    )

    added = command(installation, "project", "add", str(infra), "--yes")

    assert added.stdout.endswith(
        "none of its services is valid yet: correct fastdeploy.yml, then run "
        "fastdeploy service sync\n"
    )


def test_a_repository_with_thousands_of_playbooks_and_hostile_names_is_added(
    installation: Installation, tmp_path: Path
) -> None:
    infra = tmp_path / "many"
    for folder in range(20):
        (infra / f"playbooks{folder}").mkdir(parents=True)
        for number in range(100):
            (infra / f"playbooks{folder}" / f"p{number}.yml").write_text(_PLAY)
    (infra / "loop").symlink_to(infra)
    (infra / "playbooks0" / "self.yml").symlink_to("self.yml")
    for name in (b"\xff.yml", b"inventory\xff"):
        Path(os.fsdecode(os.fsencode(infra) + b"/" + name)).mkdir()

    added = command(installation, "project", "add", str(infra), "--yes")

    assert (0, "") == (added.returncode, added.stderr)
    assert "2000 playbooks: " in added.stdout
    assert "self.yml is not inspected: it can't be read" in added.stdout
    assert find_service(installation.store, "many/playbooks7-p99").error == ""


def test_environments_run_at_the_same_time_and_have_their_own_history(
    installation: Installation,
) -> None:
    folder = _project(
        installation, "shop",
        "project: shop\nenvironments: {a: {inventory: h}, b: {inventory: h}}\n"
        "services: {run: {deploy_script: run}}\n",
        h="localhost\n", run=_SCRIPT,
    )  # fmt: skip
    (folder / "run").chmod(0o755)
    assert ("shop/run@a", "shop/run@b") == installation.sync().valid
    installation.worker()

    first, second = (installation.launch(f"shop/run@{e}") for e in "ab")
    eventually(lambda: len(list(folder.glob("started-*"))) == 2)
    third = installation.launch("shop/run@a")
    assert Status.QUEUED is installation.status(third)
    assert (1, 0) == (installation.view(third).ahead, installation.view(second).ahead)
    (folder / "go").touch()
    ended = [installation.ended(number) for number in (first, second, third)]

    assert [Status.SUCCESSFUL] * 3 == [each.status for each in ended]
    page = project_views.look(installation.store, installation.services, "shop")
    [row] = page.grid.rows
    assert [third, second] == [cell.brought_by for cell in row.cells if cell]
    a, b = (trends.look(installation.store, f"shop/run@{e}") for e in "ab")
    assert a != b


def test_the_doctor_checks_a_service_of_a_project(installation: Installation) -> None:
    folder = _project(
        installation, "shop",
        "project: shop\nenvironments: {a: {inventory: h}}\n"
        "services:\n  site: {playbook: s.yml}\n",
        h="localhost\n", s_yml=_PLAY,
    )  # fmt: skip
    installation.sync()
    installation.worker()

    well = command(installation, "service", "doctor", "shop/site@a")
    whole = command(installation, "service", "doctor")
    (folder / "s.yml").unlink()
    broken = command(installation, "service", "doctor", "shop/site@a")
    (folder / "fastdeploy.yml").write_text("- a\n")
    invalid = command(installation, "service", "doctor", "shop/site@a")

    assert (0, 0) == (well.returncode, whole.returncode), well.stdout + whole.stdout
    assert "shop/site@a: fastdeploy.yml: It is there and valid." in well.stdout
    assert "shop/site@a: stored version" in whole.stdout
    assert 1 == broken.returncode == invalid.returncode
    assert '"s.yml" of "playbook" is missing' in broken.stdout
    assert "fastdeploy.yml must be a mapping" in invalid.stdout


def test_a_prompt_for_a_variable_of_the_environment_is_answered(
    installation: Installation,
) -> None:
    play = (
        "- hosts: all\n  gather_facts: false\n"
        "  vars_prompt: [{name: stage, prompt: Which}]\n"
        "  tasks: [{debug: {msg: 'in {{ stage }}'}}]\n"
    )
    _project(
        installation, "shop",
        "project: shop\nenvironments:\n"
        "  a: {inventory: hosts.yml, variables: {stage: live}}\n"
        "  b: {inventory: hosts.yml}\n"
        "  c: {inventory: none.yml, variables: {stage: test}}\n"
        "services:\n  site: {playbook: s.yml}\n",
        s_yml=play, hosts_yml="all: {hosts: {here: {ansible_connection: local}}}\n",
        none_yml="all: {hosts: {}}\n",
    )  # fmt: skip

    synced = installation.sync()
    installation.worker()

    assert ("shop/site@a", "shop/site@b", "shop/site@c") == synced.valid
    answered = installation.run("shop/site@a")
    empty = installation.run("shop/site@c")
    assert Status.SUCCESSFUL is answered.status
    assert "in live" in installation.output(answered.id).decode()
    assert Status.FAILED is empty.status
    assert empty.reason == "the inventory none.yml has no hosts, nothing was run"


def test_a_file_that_vanished_after_the_sync_is_named_with_its_line(
    installation: Installation,
) -> None:
    folder = _project(
        installation, "shop",
        "project: shop\n"
        "environments:\n  a: {inventory: a.ini}\n  b:\n    inventory: b.ini\n"
        "services:\n  site: {playbook: s.yml}\n  other: {playbook: o.yml}\n",
        s_yml=_PLAY, o_yml=_PLAY,
    )  # fmt: skip
    for name in ("a.ini", "b.ini"):
        (folder / name).write_text("here ansible_connection=local\n")
    installation.sync()
    installation.worker()
    (folder / "o.yml").unlink()
    (folder / "b.ini").unlink()

    playbook = installation.run("shop/other@a")
    inventory = installation.run("shop/site@b")
    again = installation.sync()

    sentences = {
        name: f'fastdeploy.yml, line {line}, environment {environment}: "{file}" of '
        f'"{key}" is missing in {folder}: add it, or correct "{key}".'
        for name, line, environment, key, file in (
            ("shop/other@a", 8, "a", "playbook", "o.yml"),
            ("shop/site@b", 5, "b", "inventory", "b.ini"),
        )
    }
    assert playbook.reason.startswith(sentences["shop/other@a"].rstrip("."))
    assert inventory.reason.startswith(sentences["shop/site@b"].rstrip("."))
    assert sentences.items() <= again.invalid.items()

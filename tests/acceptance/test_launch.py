"""What a run gets: its config file, its environment, its folder and its output."""

import json
import os
import pwd
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.domain.deployment import Deployment, Status
from app.runner.environment import INHERITED
from app.worker import wrapper
from app.worker.run import Run
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.waiting import eventually

SECRET = "a-secret-that-nobody-may-read"
SHOWN = "a-value-that-is-no-secret"
VARIABLES = {
    "type": "object",
    "properties": {
        "password": {"type": "string", "writeOnly": True},
        "color": {"type": "string"},
    },
}
ONE_TASK = """\
- name: Say something
  hosts: all
  gather_facts: false
  tasks:
    - name: Say it
      ansible.builtin.debug:
        msg: "hello"
"""
#: Waits until a file `go` lies beside it.
WAITING = '#!/bin/sh\necho begun\nuntil [ -e "${0%/*}/go" ]; do sleep 0.05; done\n'
#: Prints everything that a process can know of itself, before Python changes it.
ABOUT = f"""#!/bin/sh
grep -E '^Sig(Ign|Blk)' /proc/self/status
ls -l /proc/$$/fd
echo "session $(cut -d' ' -f6 /proc/$$/stat) $$"
exec {sys.executable} -c '
import json, os, sys
about = os.stat(sys.argv[2])
print("about", json.dumps({{
    "env": dict(os.environ), "argv": sys.argv[1:], "mode": about.st_mode,
    "config": json.load(open(sys.argv[2])), "folder": os.getcwd(),
}}))' "$@"
"""


@pytest.fixture(scope="module")
def fastdeploy(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation whose worker knows things that no run may know."""
    folder = tmp_path_factory.mktemp("launch")
    with installed(postgres, folder, secret_key="k" * 40) as made:
        made.worker(SOME_CANARY="canary", HTTPS_PROXY="http://of-the-worker",
                    no_proxy="localhost", PIP_CERT="/etc/ca.pem")  # fmt: skip
        yield made


def test_the_config_file_is_that_of_the_deployment_guide(
    fastdeploy: Installation,
) -> None:
    declared = [{"name": "prepare"}, {"name": "verify"}]
    fastdeploy.write_service("guide", ABOUT, steps=declared, variables=VARIABLES)

    ended = fastdeploy.run("guide", color=SHOWN, password=SECRET)
    about = told(fastdeploy, ended)

    assert 0o640 == stat.S_IMODE(about["mode"])
    config = about["config"]
    # The secret is masked in what the script printed: it was in the file.
    assert {"color": SHOWN, "password": "********"} == config["context"].pop(
        "variables"
    )
    assert {
        "actor": f"{pwd.getpwuid(os.getuid()).pw_name} (host)",
        "origin": "cli",
    } == (
        config.pop("context") | {"actor": f"{pwd.getpwuid(os.getuid()).pw_name} (host)"}
    )
    assert {
        "deployment_id": ended.id,
        "service_name": "guide",
        "deploy_script": "guide/deploy.py",
        "steps": declared,
        "secret_variables": ["password"],
        "environment": {},
    } == config
    assert ["--config", about["argv"][1]] == about["argv"]
    assert fastdeploy.config_folder == Path(about["argv"][1]).parent
    assert [] == list(fastdeploy.config_folder.iterdir())


def test_nothing_of_fastdeploys_environment_reaches_a_run(
    fastdeploy: Installation,
) -> None:
    fastdeploy.write_service("environment", ABOUT)

    ended = fastdeploy.run("environment")
    env = told(fastdeploy, ended)["env"]

    assert str(fastdeploy.run_folder(ended.id)) == env["FASTDEPLOY_RUN"]
    # What a shell sets by itself is nobody's.
    allowed = {*INHERITED, "PATH", "PWD", "OLDPWD", "LC_CTYPE", "_", "SHLVL"}
    assert set() == set(env) - allowed


def test_a_run_gets_the_workers_proxies_and_the_services_environment(
    fastdeploy: Installation,
) -> None:
    """Names that the wrapper could use for itself and a PATH without tools included."""
    own = {"HTTPS_PROXY": "http://of-the-service", "PATH": "/nonexistent", "rc": "8",
           "config": "1", "folder": "2", "cgroup": "3", "place": "4"}  # fmt: skip
    passed_on = {"no_proxy": "localhost", "PIP_CERT": "/etc/ca.pem"}
    printing = (
        f"#!{sys.executable}\nimport json, os\n"
        'print("about", json.dumps({"env": dict(os.environ)}))\n'
    )
    fastdeploy.write_service("own-environment", printing, environment=own)

    ended = fastdeploy.run("own-environment")
    env = told(fastdeploy, ended)["env"]

    assert Status.SUCCESSFUL == ended.status
    expected = own | passed_on
    assert expected == {name: env.get(name) for name in expected}
    assert [] == list(fastdeploy.config_folder.iterdir())


def test_the_environment_of_a_playbook_service_is_not_that_of_its_runner(
    fastdeploy: Installation,
) -> None:
    """Else config.json could break or replace the program that reads it."""
    here = fastdeploy.services / "with-python-path"
    noting = (
        "import os, sys\n"
        f"with open({str(here / 'programs')!r}, 'a') as file:\n"
        "    file.write(' '.join(sys.orig_argv) + '\\n')\n"
    )
    fastdeploy.write_files(
        here.name, {"site.yml": ONE_TASK, "sitecustomize.py": noting},
        playbook="site.yml", environment={"PYTHONPATH": str(here)},
    )  # fmt: skip

    ended = fastdeploy.run(here.name)

    assert Status.SUCCESSFUL == ended.status
    programs = (here / "programs").read_text()
    assert "ansible-playbook" in programs
    assert "app.runner" not in programs


def test_a_secret_is_masked_wherever_its_schema_says_so(
    fastdeploy: Installation,
) -> None:
    """The worker names the secrets to the runner: there is one definition of them."""
    hidden = {"type": "string", "writeOnly": True}
    schemas: dict[str, Any] = {
        "direct": hidden,
        "reference": {"$ref": "#/$defs/hidden"},
        "all": {"allOf": [hidden]},
        "any": {"anyOf": [{"type": "null"}, hidden]},
        "additional": {"additionalProperties": hidden},
        "prefix": {"prefixItems": [hidden]},
        "beside": {},
    }
    values: dict[str, Any] = {name: f"0{i}234567" for i, name in enumerate(schemas)}
    values |= {"additional": {"x": "01.234567"}, "prefix": ["1_234_567"]}
    playbook = ONE_TASK.replace("hello", "{{ [" + ", ".join(schemas) + "] }}")
    beside = {"allOf": [{"properties": {"beside": hidden}}]}
    fastdeploy.write_files(
        "hidden", {"site.yml": playbook}, playbook="site.yml",
        variables={"properties": schemas, "$defs": {"hidden": hidden}, **beside},
    )  # fmt: skip

    ended = fastdeploy.run("hidden", **values)
    output = fastdeploy.output(ended.id).decode()

    assert Status.SUCCESSFUL == ended.status
    assert len(schemas) == output.count('"********"')
    assert not re.search(r"0\d234567|01\.234567|1_?234_?567|342391", output)


def test_a_run_has_three_descriptors_default_signals_and_a_session_of_its_own(
    fastdeploy: Installation,
) -> None:
    fastdeploy.write_service("bare", ABOUT)

    ended = fastdeploy.run("bare")
    lines = fastdeploy.lines(ended.id)

    opened = dict(line.split()[-3::2] for line in lines if " -> " in line)
    # The shell keeps the script that it reads open as well.
    script = str(fastdeploy.services / "bare" / "deploy.py")
    opened = {number: path for number, path in opened.items() if path != script}
    assert "/dev/null" == opened.pop("0")
    assert {"1", "2"} == opened.keys()
    # The output of a script is a pipe that leads into the journal.
    [output] = set(opened.values())
    assert output.startswith("pipe:")
    # Signals 32 and 33 are glibc's own: it ignores them in whatever it spawns.
    assert {"SigBlk:": 0, "SigIgn:": 0} == {
        line.split()[0]: int(line.split()[1], 16) & 0x7FFFFFFF
        for line in lines if line.startswith("Sig")
    }  # fmt: skip
    session = next(line.split()[1] for line in lines if line.startswith("session"))
    assert (fastdeploy.run_folder(ended.id) / "pid").read_text().strip() == session
    assert str(fastdeploy.services / "bare") == told(fastdeploy, ended)["folder"]


def test_a_script_finds_the_files_of_its_services_folder(
    fastdeploy: Installation,
) -> None:
    """Also one that lies deeper: its working directory is the service's folder."""
    folder = fastdeploy.services / "beside"
    (folder / "bin").mkdir(parents=True)
    (folder / "config.json").write_text(
        '{"name": "beside", "deploy_script": "bin/deploy.sh"}'
    )
    (folder / "bin" / "lib.sh").write_text("said='from the library'\n")
    (folder / "bin" / "deploy.sh").write_text(
        '#!/bin/sh\n. ./bin/lib.sh\necho "$said"\n'
    )
    (folder / "bin" / "deploy.sh").chmod(0o755)
    fastdeploy.sync()

    ended = fastdeploy.run("beside")

    assert b"from the library\n" == fastdeploy.output(ended.id)


def test_a_run_whose_folder_cannot_be_entered_begins_in_the_root_folder(
    fastdeploy: Installation,
) -> None:
    """Removed meanwhile here; a registered runner's folder is another user's alone."""
    fastdeploy.write_service("gone", "#!/bin/sh\npwd\n")
    run = fastdeploy.settings.runs / "999999"
    run.mkdir(parents=True)

    child = wrapper.start(
        Run(run),
        Path("/nonexistent"),
        Path("/nonexistent"),
        ["/bin/pwd"],
        {},
        script=True,
    )
    os.waitpid(child, 0)

    assert ("/\n", "0") == (
        (run / "journal").read_text(), (run / "rc").read_text().split()[0]
    )  # fmt: skip


def test_launch_variables_are_in_no_process_list(fastdeploy: Installation) -> None:
    folder = fastdeploy.write_service("process-list", WAITING, variables=VARIABLES)

    number = fastdeploy.launch("process-list", color=SHOWN, password=SECRET)
    eventually(lambda: b"begun\n" in fastdeploy.output(number))
    seen = list(process_list())
    (folder / "go").touch()

    assert Status.SUCCESSFUL is fastdeploy.ended(number).status
    assert [line for line in seen if str(folder) in line]
    assert [] == [line for line in seen if SECRET in line or SHOWN in line]


def told(fastdeploy: Installation, ended: Deployment) -> dict[str, Any]:
    """Return what the script ABOUT printed of its process."""
    assert Status.SUCCESSFUL is ended.status, fastdeploy.output(ended.id)
    line = fastdeploy.lines(ended.id)[-1]
    about: dict[str, Any] = json.loads(line.removeprefix("about "))
    return about


def process_list() -> Iterator[str]:
    """Everything that `ps axe` would show to anybody."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            yield " ".join([*process.cmdline(), *process.environ().values()])

"""Launching: what a run gets, what it doesn't, and what is said when it can't begin."""

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
from app.errors import LaunchFailed
from app.runner.environment import INHERITED
from app.usecases import deploy
from app.worker import launch as launching
from app.worker import wrapper
from app.worker.run import Run, run_of
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
HELLO = "#!/bin/sh\necho hello\n"
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


# What a run gets


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


def test_a_config_file_is_never_written_over_or_through_anything(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.write_service("hello", HELLO)
    number = installation.launch("hello")
    deployment = deploy.find(installation.store, number)
    victim = installation.config_folder.parent / "victim"
    victim.write_text("mine")
    monkeypatch.setattr("secrets.randbelow", lambda _: 7)
    taken = installation.config_folder / f"fastdeploy-{7:018}.json"

    taken.symlink_to(victim)
    with pytest.raises(LaunchFailed, match="File exists"):
        launching.launch(installation.settings, deployment, {})

    assert "mine" == victim.read_text()
    run_of(installation.settings, number).remove_config()
    assert taken.is_symlink()
    assert not run_of(installation.settings, number).begun


# Launches that fail


def test_a_missing_script_is_named(fastdeploy: Installation) -> None:
    folder = fastdeploy.write_service("missing", HELLO)
    (folder / "deploy.py").unlink()

    reason = refused(fastdeploy, "missing")

    assert (
        "deploy.py is not in the service's folder; "
        "correct this and launch missing again"
    ) == reason


def test_a_removed_services_folder_is_named(fastdeploy: Installation) -> None:
    folder = fastdeploy.write_service("removed", HELLO)
    (folder / "deploy.py").unlink()
    (folder / "config.json").unlink()
    folder.rmdir()

    reason = refused(fastdeploy, "removed")

    assert (
        "config.json can't be read: No such file or directory; "
        "correct this and launch removed again"
    ) == reason


def test_a_script_that_is_not_executable_is_named(fastdeploy: Installation) -> None:
    folder = fastdeploy.write_service("not-executable", HELLO)
    (folder / "deploy.py").chmod(0o644)

    reason = refused(fastdeploy, "not-executable")

    assert (
        f"{folder}/deploy.py can't be executed; "
        f"allow it by `chmod +x {folder}/deploy.py`; "
        "correct this and launch not-executable again"
    ) == reason


@pytest.mark.parametrize("first", ["#!/nonexistent/python", "#! /nonexistent/python -u",
                                   "#!/bin/sh\r"])  # fmt: skip
def test_a_missing_interpreter_is_named(fastdeploy: Installation, first: str) -> None:
    name = f"interpreter-{abs(hash(first))}"
    folder = fastdeploy.write_service(name, f"{first}\necho hello\n")

    reason = refused(fastdeploy, name)

    interpreter = first[2:].strip(" ").split(" ")[0]
    assert (
        f"{folder}/deploy.py wants the interpreter {interpreter!r}, which is missing"
        == reason
    )


def test_a_script_without_an_interpreter_is_a_shell_script(
    fastdeploy: Installation,
) -> None:
    fastdeploy.write_service("no-interpreter", "echo hello\n")

    ended = fastdeploy.run("no-interpreter")

    assert b"hello\n" == fastdeploy.output(ended.id)
    assert Status.SUCCESSFUL is ended.status


def test_a_missing_config_folder_is_named(fastdeploy: Installation) -> None:
    fastdeploy.write_service("no-config-folder", HELLO)
    fastdeploy.config_folder.rmdir()
    try:
        reason = refused(fastdeploy, "no-config-folder")
    finally:
        fastdeploy.config_folder.mkdir()

    assert reason.startswith(f"{fastdeploy.config_folder}/fastdeploy-")
    assert reason.endswith(": No such file or directory")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            "size=4k",
            "the disk under FOLDER is full: 0 bytes free; make room .* and retry",
        ),
        ("ro", "FOLDER/fastdeploy-[0-9]+[.]json: Read-only file system"),
    ],
)
def test_a_config_folder_that_takes_no_file_is_named(
    installation: Installation, options: str, reason: str
) -> None:
    # A mount that only this worker sees, and that ends with it.
    folder = installation.config_folder
    mount = f"mount -t tmpfs -o {options} tmpfs {folder}"
    fill = f"cat /dev/zero >{folder}/filled"
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    installation.worker(
        ["unshare", "--mount", *as_root, "sh", "-c",
         f'{mount} || exit; {fill}; exec "$@"', "sh"]
    )  # fmt: skip
    installation.write_service("hello", HELLO)

    found = refused(installation, "hello")

    assert re.fullmatch(reason.replace("FOLDER", re.escape(str(folder))), found)


def test_a_user_that_does_not_exist_is_named(
    postgres: Postgres, tmp_path: Path
) -> None:
    with installed(postgres, tmp_path, run_as="nobody_at_all") as made:
        made.worker()
        made.write_service("hello", HELLO)

        reason = refused(made, "hello")

    assert reason == (
        "there is no user nobody_at_all; register the service on this host, "
        "or set FASTDEPLOY_RUN_AS to a user that exists"
    )


def test_a_group_that_does_not_exist_is_named(
    postgres: Postgres, tmp_path: Path
) -> None:
    with installed(postgres, tmp_path, run_group="no_group_at_all") as made:
        made.worker()
        made.write_service("hello", HELLO)

        reason = refused(made, "hello")

    assert reason.startswith("there is no group no_group_at_all; ")


def test_a_missing_sudo_is_named(postgres: Postgres, tmp_path: Path) -> None:
    with installed(postgres, tmp_path, run_as="nobody") as made:
        made.worker(PATH=str(tmp_path))
        made.write_service("hello", HELLO)

        reason = refused(made, "hello")

    assert "sudo is not installed, and runs belong to user nobody" == reason


def test_a_service_runs_as_the_user_it_was_registered_for(
    postgres: Postgres, tmp_path: Path
) -> None:
    """And not as the one of the settings, whose rights are others."""
    with installed(postgres, tmp_path, run_as="nobody") as made:
        made.worker()
        made.write_service("hello", HELLO, registration={"run_as": "its_own_user"})

        reason = refused(made, "hello")

    assert reason.startswith("there is no user its_own_user; ")


# Helpers


def told(fastdeploy: Installation, ended: Deployment) -> dict[str, Any]:
    """Return what the script ABOUT printed of its process."""
    assert Status.SUCCESSFUL is ended.status, fastdeploy.output(ended.id)
    line = fastdeploy.lines(ended.id)[-1]
    about: dict[str, Any] = json.loads(line.removeprefix("about "))
    return about


def refused(fastdeploy: Installation, name: str) -> str:
    """Return the reason why a launch fails; it leaves no config file."""
    number = fastdeploy.launch(name)
    ended = fastdeploy.ended(number)
    assert (Status.FAILED, None) == (ended.status, ended.exit_code)
    with suppress(FileNotFoundError):
        assert [] == list(fastdeploy.config_folder.iterdir())
    return ended.reason


def process_list() -> Iterator[str]:
    """Everything that `ps axe` would show to anybody."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            yield " ".join([*process.cmdline(), *process.environ().values()])


REOPENING = """#!/bin/sh
echo first
echo second >/dev/stderr
echo third >/dev/stdout
echo fourth | tee /dev/stderr
echo fifth >/proc/self/fd/2
printf sixth | dd of=/dev/stdout 2>/dev/null
"""


def test_a_script_may_open_its_output_again(fastdeploy: Installation) -> None:
    fastdeploy.write_service("reopening", REOPENING)

    ended = fastdeploy.run("reopening")

    assert Status.SUCCESSFUL is ended.status
    printed = fastdeploy.output(ended.id)
    assert b"first\nsecond\nthird\nfourth\nfourth\nfifth\nsixth" == printed


def test_what_a_script_leaves_behind_prints_into_nothing_and_lives(
    fastdeploy: Installation,
) -> None:
    folder = fastdeploy.write_service(
        "leaves-a-printer",
        "#!/bin/sh\nhere=${0%/*}\necho before\n"
        "(until [ -e $here/go ]; do sleep 0.05; done; echo behind; echo more\n"
        " echo $? >$here/said) &\n",
    )
    ended = fastdeploy.run("leaves-a-printer")

    (folder / "go").touch()

    eventually((folder / "said").exists)
    eventually(lambda: "0\n" == (folder / "said").read_text())
    journal = fastdeploy.run_folder(ended.id) / "journal"
    assert b"before\n" == journal.read_bytes() == fastdeploy.output(ended.id)


def test_all_that_a_script_printed_is_there_however_much_it_was(
    fastdeploy: Installation,
) -> None:
    fastdeploy.write_service("much", "#!/bin/sh\nseq 1 300000\n")

    ended = fastdeploy.run("much")

    assert b"".join(b"%d\n" % n for n in range(1, 300_001)) == fastdeploy.output(
        ended.id
    )

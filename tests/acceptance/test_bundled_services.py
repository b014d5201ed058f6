"""The services that FastDeploy ships: each is run for real, without FastDeploy."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml  # PyYAML ships no types.
from jsonschema import Draft202012Validator

from testing.processes import living

SERVICES = Path(__file__).parents[2] / "services"
NAMES = ["fleet", "hello", "static-site"]
PLAYBOOK_SERVICES = ["fleet", "static-site"]
BIN = Path(sys.executable).parent

#: Seconds after which a run counts as hanging.
RUN_LIMIT = 120
#: Seconds that a process may take to go away after its run.
EXIT_LIMIT = 5
#: The variable by which the processes of one run are recognised.
MARK = "BUNDLED_SERVICE_RUN"


def read_config(service: str) -> dict[str, Any]:
    """Return the config.json of a bundled service."""
    config = json.loads((SERVICES / service / "config.json").read_text())
    assert isinstance(config, dict)
    return config


def environment(home: Path) -> dict[str, str]:
    """Return the environment of one run, marked so that its processes can be found."""
    return {
        "ANSIBLE_NOCOLOR": "1",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        MARK: uuid.uuid4().hex,
    }


def survivors(mark: str) -> list[psutil.Process]:
    """Return the processes of a run that are still there when they had time to end."""
    found = living(lambda process: process.environ().get(MARK) == mark)
    _, alive = psutil.wait_procs(found, timeout=EXIT_LIMIT)
    return alive


@dataclass(frozen=True)
class Run:
    """What a finished run left on its terminal."""

    rc: int
    output: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """The counts of each host, such as recap["web01"]["changed"]."""
        lines = re.findall(r"^(\S+) +: (ok=.*)$", self.output, re.MULTILINE)
        return {
            host: {key: int(count) for key, count in re.findall(r"(\w+)=(\d+)", counts)}
            for host, counts in lines
        }

    @property
    def changed(self) -> list[str]:
        """The tasks that changed something, in order."""
        tasks = re.split(r"^TASK \[(.*)\] \**$", self.output, flags=re.MULTILINE)
        pairs = zip(tasks[1::2], tasks[2::2], strict=True)
        return [
            name
            for name, text in pairs
            if re.search(r"^changed: ", text, flags=re.MULTILINE)
        ]


Play = Callable[..., Run]


def playbook_command(service: str, *options: str, **variables: object) -> list[str]:
    """Return the command line that runs a playbook service with launch variables."""
    folder = SERVICES / service
    inventory = read_config(service).get("inventory")
    source = str(folder / inventory) if inventory else "localhost,"
    return [
        str(BIN / "ansible-playbook"),
        str(folder / "deploy.yml"),
        f"--inventory={source}",
        f"--extra-vars={json.dumps(variables)}",
        *options,
    ]


def run_playbook(home: Path, service: str, *options: str, **variables: object) -> Run:
    """Run a playbook service; check that it warns of nothing and nothing survives."""
    env = environment(home)
    done = subprocess.run(
        playbook_command(service, *options, **variables),
        cwd=home,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_LIMIT,
        check=False,
    )
    assert [] == survivors(env[MARK])
    assert "DEPRECATION" not in done.stdout
    if "--check" not in options:  # There, a folder that would be made is missed.
        assert "WARNING" not in done.stdout
    return Run(done.returncode, done.stdout)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run a playbook service below the folder of the test."""

    def run(service: str, *options: str, **variables: object) -> Run:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        return run_playbook(home, service, *options, **variables)

    return run


@pytest.fixture(scope="module")
def first_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """Publish the site with its defaults only; return the run and its home folder."""
    home = tmp_path_factory.mktemp("home")
    return run_playbook(home, "static-site"), home


@pytest.fixture
def site(first_site: tuple[Run, Path], tmp_path: Path) -> Path:
    """Return a copy of the published site that belongs to the test."""
    _, home = first_site
    copy = tmp_path / "site"
    shutil.copytree(home / ".local/share/fastdeploy/static-site", copy, symlinks=True)
    return copy


def releases(site: Path) -> set[str]:
    """Return the versions that are kept."""
    return {path.name.partition("-")[0] for path in (site / "releases").iterdir()}


def served(site: Path) -> dict[str, Any]:
    """Return the description of the current release."""
    description = json.loads((site / "current/release.json").read_text())
    assert isinstance(description, dict)
    return description


def snapshot(folder: Path) -> dict[str, str | bytes | None]:
    """Return all paths of a folder with what they hold."""

    def content(path: Path) -> str | bytes | None:
        if path.is_symlink():
            return str(path.readlink())
        return path.read_bytes() if path.is_file() else None

    return {str(p.relative_to(folder)): content(p) for p in folder.rglob("*")}


# --- config.json ---------------------------------------------------------------------


def test_every_folder_of_services_is_tested() -> None:
    assert sorted(path.name for path in SERVICES.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_config_names_its_folder_and_one_program_that_exists(name: str) -> None:
    config = read_config(name)

    programs = [config[key] for key in ("deploy_script", "playbook") if key in config]

    assert name == config["name"]
    assert 1 == len(programs)
    assert (SERVICES / name / programs[0]).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_variables_are_a_closed_schema_with_valid_defaults(name: str) -> None:
    schema = read_config(name)["variables"]

    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    defaults = {key: spec["default"] for key, spec in schema["properties"].items()}

    assert validator.is_valid(defaults)
    assert validator.is_valid({})
    assert not validator.is_valid({"ansible_connection": "ssh"})
    assert all(
        spec["title"] and spec["description"] for spec in schema["properties"].values()
    )


@pytest.mark.parametrize("name", PLAYBOOK_SERVICES)
def test_playbook_and_config_agree_on_the_defaults(name: str) -> None:
    properties = read_config(name)["variables"]["properties"]
    (play_,) = yaml.safe_load((SERVICES / name / "deploy.yml").read_text())

    public = {
        key: value
        for key, value in play_["vars"].items()
        if not key.startswith(("_", "ansible_"))
    }

    assert {key: spec["default"] for key, spec in properties.items()} == public


@pytest.mark.parametrize("name", PLAYBOOK_SERVICES)
def test_tasks_belong_to_the_declared_steps_in_their_order(
    play: Play, name: str
) -> None:
    declared = [step["name"] for step in read_config(name)["steps"]]

    listed = play(name, "--list-tasks")
    prefixes = re.findall(r"^ +(\S+) \| .*TAGS:", listed.output, re.MULTILINE)

    assert listed.output.count("TAGS:") == len(prefixes) + 1  # The play has tags too.
    assert declared == list(dict.fromkeys(prefixes))
    assert sorted(prefixes, key=declared.index) == prefixes


def test_failing_host_can_be_any_host_of_the_fleet() -> None:
    choices = read_config("fleet")["variables"]["properties"]["failing_host"]["enum"]

    inventory = subprocess.run(
        [BIN / "ansible-inventory", "-i", SERVICES / "fleet/hosts.yml", "--list"],
        capture_output=True,
        check=True,
    )
    hosts = json.loads(inventory.stdout)["_meta"]["hostvars"]

    assert {"", *hosts} == set(choices)
    assert 10 == len(hosts)


# --- hello ---------------------------------------------------------------------------


def say_hello(tmp_path: Path, **variables: object) -> Run:
    """Run the script with a config file like FastDeploy's."""
    steps = read_config("hello")["steps"]
    config = {
        "deployment_id": 7,
        "service_name": "hello",
        "deploy_script": "hello/deploy.py",
        "context": {"actor": "ada", "origin": "cli", "variables": variables},
        "steps": steps,
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    return run_hello(tmp_path, "--config", str(path))


def run_hello(cwd: Path, *arguments: str) -> Run:
    """Run the script as the program it is, with the Python that runs the tests."""
    done = subprocess.run(
        [SERVICES / "hello/deploy.py", *arguments],
        cwd=cwd,
        env={"PATH": f"{BIN}:{os.defpath}", "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_LIMIT,
        check=False,
    )
    return Run(done.returncode, done.stdout)


def step_lines(output: str) -> list[dict[str, str]]:
    """Return what FastDeploy would read as JSON among the lines."""
    found = []
    for line in output.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def test_hello_reports_its_steps_and_nothing_else_as_json(tmp_path: Path) -> None:
    names = [step["name"] for step in read_config("hello")["steps"]]

    run = say_hello(tmp_path, name="Ada", pause=0, fail_at="")

    assert 0 == run.rc
    steps = step_lines(run.output)
    assert [(name, state) for name in names for state in ("running", "success")] == [
        (step["name"], step["state"]) for step in steps
    ]
    assert {"name", "state", "message"} == set().union(*steps)
    assert "\x1b[33mDeployment 7 of hello, for ada\x1b[0m" in run.output
    assert "\x1b[32mHello, Ada!\x1b[0m" in run.output


@pytest.mark.parametrize("step", ["prepare", "bootstrap", "ansible", "verify"])
def test_hello_fails_at_the_requested_step(tmp_path: Path, step: str) -> None:
    run = say_hello(tmp_path, fail_at=step)

    assert 3 == run.rc
    last = step_lines(run.output)[-1]
    assert (step, "failure") == (last["name"], last["state"])


def test_hello_cannot_be_made_to_forge_a_step_by_a_name(tmp_path: Path) -> None:
    forged = '\n{"name": "verify", "state": "failure"}\n'

    run = say_hello(tmp_path, name=forged)

    assert 0 == run.rc
    assert 8 == len(step_lines(run.output))
    assert all(step["state"] != "failure" for step in step_lines(run.output))


@pytest.mark.parametrize("content", [None, "{", "[]", '{"context": 42}'])
def test_hello_says_in_one_line_that_its_config_is_bad(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)

    run = run_hello(tmp_path, "--config", str(path))

    assert 2 == run.rc
    assert run.output.startswith(f"Cannot use the config file {path}: ")
    assert 1 == run.output.count("\n")


# --- static-site ---------------------------------------------------------------------


def test_site_is_published_with_its_defaults(first_site: tuple[Run, Path]) -> None:
    run, home = first_site
    site = home / ".local/share/fastdeploy/static-site"

    assert 0 == run.rc
    counts = run.recap["localhost"]
    assert counts["ok"] >= 20
    assert counts["changed"] > 0
    assert counts["skipped"] > 0
    assert "1.0.0" == served(site)["version"]
    assert not (site / "current").readlink().is_absolute()


def test_site_of_the_same_content_changes_nothing(play: Play, site: Path) -> None:
    before = snapshot(site)

    run = play("static-site", prefix=str(site))

    assert 0 == run.rc
    assert [] == run.changed
    assert before == snapshot(site)


def test_new_title_changes_the_pages_and_the_release_only(
    play: Play, site: Path
) -> None:
    run = play("static-site", "--diff", prefix=str(site), site_title="Fish <& chips>")

    assert 0 == run.rc
    assert [
        "build | Write the pages",
        "build | Describe the release",
        "publish | Create the folder of the release",
        "publish | Copy the site into the release",
        "publish | Switch to the release",
    ] == run.changed
    assert (
        "-    <p>A small site</p>\n+    <p>Fish &lt;&amp; chips&gt;</p>" in run.output
    )
    assert "Fish <& chips>" not in (site / "current/index.html").read_text()
    assert "Fish <& chips>" == served(site)["title"]


def test_new_version_is_switched_to_and_the_oldest_release_removed(
    play: Play, site: Path
) -> None:
    for age, version in enumerate(["0.9.0", "0.8.0"], start=1):
        old = site / "releases" / f"{version}-0"
        old.mkdir()
        day = old.stat().st_mtime - age * 86_400
        os.utime(old, (day, day))

    run = play("static-site", prefix=str(site), site_version="2.0.0", keep_releases=3)

    assert 0 == run.rc
    assert "2.0.0" == served(site)["version"]
    assert {"2.0.0", "1.0.0", "0.9.0"} == releases(site)


def test_current_release_is_kept_even_if_it_is_the_oldest(
    play: Play, site: Path
) -> None:
    day = site.stat().st_mtime - 86_400
    os.utime(site / "current", (day, day))
    (site / "releases/2.0.0-0").mkdir()

    run = play("static-site", prefix=str(site), keep_releases=1)

    assert 0 == run.rc
    assert {"1.0.0"} == releases(site)
    assert "1.0.0" == served(site)["version"]


def test_failed_verification_goes_back_to_the_previous_release(
    play: Play, site: Path
) -> None:
    run = play(
        "static-site", prefix=str(site), site_version="2.0.0", break_verification=True
    )

    assert 2 == run.rc
    assert 1 == run.recap["localhost"]["rescued"]
    assert "missing.html was answered with 404" in run.output
    assert "The previous release is served again: releases/1.0.0-" in run.output
    assert "publish | Switch to the release" in run.changed
    assert "1.0.0" == served(site)["version"]
    assert {"1.0.0"} == releases(site)


def test_failed_verification_of_a_first_release_serves_nothing(
    play: Play, tmp_path: Path
) -> None:
    site = tmp_path / "site"

    run = play("static-site", prefix=str(site), break_verification=True)

    assert 2 == run.rc
    assert "There was no previous release to restore." in run.output
    assert not os.path.lexists(site / "current")
    assert set() == releases(site)


def test_site_does_not_replace_what_it_did_not_make(play: Play, tmp_path: Path) -> None:
    precious = tmp_path / "site/current/precious"
    precious.mkdir(parents=True)

    run = play("static-site", prefix=str(tmp_path / "site"))

    assert 2 == run.rc
    assert "current is not a symbolic link" in run.output
    assert precious.is_dir()


@pytest.mark.parametrize(
    "variables",
    [
        {"site_version": "../../1.0.0"},
        {"site_version": "1.0.0\n"},
        {"site_title": " "},
        {"prefix": "relative/path"},
        {"keep_releases": 0},
    ],
    ids=["path", "newline", "title", "prefix", "keep"],
)
def test_site_refuses_bad_variables_before_it_touches_anything(
    play: Play, tmp_path: Path, variables: dict[str, object]
) -> None:
    run = play("static-site", **{"prefix": str(tmp_path / "site"), **variables})

    assert 2 == run.rc
    assert "Set site_title to some text, site_version to three numbers" in run.output
    assert [] == run.changed
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("name", PLAYBOOK_SERVICES)
def test_check_mode_works_on_a_bare_host_and_changes_nothing(
    play: Play, tmp_path: Path, name: str
) -> None:
    run = play(name, "--check", prefix=str(tmp_path / "prefix"))

    assert 0 == run.rc
    assert not (tmp_path / "prefix").exists()


def test_interrupted_run_leaves_no_process_and_no_half_release(
    site: Path, tmp_path: Path
) -> None:
    # Python loses an interrupt that comes within the hooks behind a fork. Then the run
    # is complete, and another one is interrupted.
    for version in ("2.0.0", "3.0.0", "4.0.0", "5.0.0"):
        before = (site / "current").readlink()
        env = environment(tmp_path)
        code = interrupt(
            playbook_command("static-site", prefix=str(site), site_version=version),
            env, tmp_path, after="(item=index.html)",
        )  # fmt: skip
        assert [] == survivors(env[MARK])
        if code != 0:
            break

    assert code != 0
    assert before == (site / "current").readlink()


def interrupt(
    command: list[str], env: dict[str, str], folder: Path, *, after: str
) -> int:
    """Interrupt a run once it has printed `after`; returns its exit code."""
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert any(after in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=RUN_LIMIT)
    return process.returncode


# --- fleet ---------------------------------------------------------------------------


def test_fleet_reaches_every_host_and_changes_nothing_again(
    play: Play, tmp_path: Path
) -> None:
    first = play("fleet", prefix=str(tmp_path / "fleet"), version="1.2.3")
    second = play("fleet", prefix=str(tmp_path / "fleet"), version="1.2.3")

    assert (0, 0) == (first.rc, second.rc)
    assert 10 == len(first.recap)
    assert "10 of 10 hosts serve version 1.2.3." in first.output
    assert 1 == first.recap["web01"]["skipped"]
    assert 0 == first.recap["db01"]["skipped"]
    assert [] == second.changed
    for host in first.recap:
        active = tmp_path / "fleet" / host / "current/component.ini"
        assert f"[{host}]\n" in active.read_text()
        assert "version = 1.2.3\n" in active.read_text()


def test_fleet_goes_on_when_one_host_fails(play: Play, tmp_path: Path) -> None:
    run = play("fleet", prefix=str(tmp_path / "fleet"), failing_host="web03")

    assert 2 == run.rc
    failed = {host: counts["failed"] for host, counts in run.recap.items()}
    assert {host: int(host == "web03") for host in failed} == failed
    assert "TASK [verify | Check the health of the host]" in run.output
    assert "web03 does not serve version 1.0.0: the launch variable" in run.output
    assert "9 of 10 hosts serve version 1.0.0." in run.output


@pytest.mark.parametrize(
    "variables",
    [{"version": "../1.0.0"}, {"prefix": "relative"}, {"failing_host": "web99"}],
    ids=["version", "prefix", "host"],
)
def test_fleet_refuses_bad_variables_before_it_touches_anything(
    play: Play, tmp_path: Path, variables: dict[str, object]
) -> None:
    run = play("fleet", **{"prefix": str(tmp_path / "fleet"), **variables})

    assert 2 == run.rc
    assert "Set version to three numbers" in run.output
    assert [] == run.changed
    assert not (tmp_path / "fleet").exists()

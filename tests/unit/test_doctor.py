"""What the doctor makes of what was seen."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.accounts import Account
from app.doctor.checks_host import age_key, check_host, sync_token
from app.doctor.checks_service import copies, launch_variables, node
from app.doctor.collect import look_at_service
from app.doctor.facts import (
    CatalogueEntry,
    File,
    HostFacts,
    ProcessFacts,
    RunAsSetup,
    SudoRules,
)
from app.doctor.inspection import backing, listed
from app.domain.finding import Finding, Level
from app.domain.run_identity import RunIdentity
from app.domain.service import Service
from app.settings import Settings
from testing.factories import NOW

FASTDEPLOY = Account("fastdeploy", 900, frozenset({900, 950}))
DEPLOY = Account("deploy", 901, frozenset({901, 950}))
ROOTS = File(Path("/opt"), 0o040755)
STOP = "(root) NOPASSWD: /opt/stop ^/var/lib/fastdeploy/runs/[0-9]+ (INT)$"
HELLO = "(deploy) NOPASSWD: /home/deploy/runners/hello/deploy.py ^--config$"
SWITCH = RunAsSetup(
    run_as="deploy",
    deploy=DEPLOY,
    run_group="fastdeploy-run",
    run_group_id=950,
    rules=SudoRules((STOP, HELLO), keeps_mark=True),
    expected=frozenset({HELLO}),
    stop_helper=File(Path("/opt/stop"), 0o100755, above=(ROOTS,)),
    stop_rule=STOP,
    settings_file=File(Path("/etc/fastdeploy.env"), 0o100640, 0, 900),
    private=(File(Path("/var/lib/fastdeploy"), 0o040700, 900, 900),),
)
PROCESS = ProcessFacts(7, no_new_privileges=False, gids=FASTDEPLOY.gids)
HEALTHY = HostFacts(
    user=FASTDEPLOY,
    process=PROCESS,
    worker=PROCESS,
    var=Path("/var/lib/fastdeploy"),
    config_folder=File(Path("/var/tmp"), 0o041777),
    age_key=File(Path("/etc/age/deploy.key"), 0o100600, 901, 0),
    age_key_asked=False,
    switch=SWITCH,
)


def ill(host: HostFacts) -> list[str]:
    """What a host has that isn't well."""
    found = check_host(host)
    assert all(each.fix for each in found if each.level is Level.PROBLEM)
    assert not [each for each in found if each.level is Level.OK and each.fix]
    return [each.subject for each in found if each.level is not Level.OK]


def switch(**changed: object) -> HostFacts:
    """A healthy host but for something between its two users."""
    return replace(HEALTHY, switch=replace(SWITCH, **changed))  # type: ignore[arg-type]


def test_a_host_as_the_role_makes_it_is_healthy() -> None:
    assert [] == ill(HEALTHY)


def test_without_a_deploy_user_its_items_are_one_line() -> None:
    found = check_host(replace(HEALTHY, switch=None, age_key=None))

    assert ["worker", "config folder", "age key", "PrivateTmp", "deploy user"] == [
        each.subject for each in found
    ]
    assert {Level.OK} == {each.level for each in found}


def test_an_invalid_service_is_one_problem_and_no_worker_is_missing(
    tmp_path: Path,
) -> None:
    settings = Settings(services=tmp_path / "services", var=tmp_path / "var")
    identity = RunIdentity("root", "", tmp_path / "deploy.py", tmp_path, "")
    entry = CatalogueEntry(None, "no playbook", archived=False, nodes=(), ready=())

    def found(known: CatalogueEntry) -> Finding:
        return node(HEALTHY, look_at_service(settings, "shop", identity, None, known))

    assert found(entry).level is Level.OK
    assert found(replace(entry, error="")).level is Level.PROBLEM


def test_copies_of_a_registration_that_differ_are_a_warning(tmp_path: Path) -> None:
    settings = Settings(services=tmp_path / "services", var=tmp_path / "var")
    here, there = settings.services / "infra", tmp_path / "runners" / "infra"
    identity = RunIdentity("root", "", there / "deploy.py", there, "")
    for folder in (here, there):
        folder.mkdir(parents=True)
        (folder / "project.json").write_text('{"folder": "/srv/infra"}')

    def found(name: str = "infra/site") -> list[Finding]:
        return copies(look_at_service(settings, name, identity, None, None))

    assert [] == found()
    (here / "project.json").write_text('{"folder": "/srv/other"}')
    (there / "fastdeploy.yml").write_text("project: infra\n")

    assert ["infra: project.json", "infra: fastdeploy.yml"] == [
        each.subject for each in found()
    ]
    assert found("infra/other@staging") == found(), "services share the finding"
    assert {(Level.WARNING, "./justw register-project infra.yml")} == {
        (each.level, each.fix) for each in found()
    }
    assert f"{here / 'project.json'} differs from {there / 'project.json'}" in (
        found()[0].message
    )


def test_a_launch_variable_that_configures_the_connection_is_a_warning() -> None:
    names = ("version", "ansible_ssh_common_args", "ansible_user")
    schema = {"properties": {name: {"type": "string"} for name in names}}
    service = Service(name="shop", playbook="p.yml", variables=schema)

    [warning] = launch_variables(service)

    assert warning.level is Level.WARNING
    assert "ansible_ssh_common_args, ansible_user" in warning.message
    assert launch_variables(Service(name="shop", playbook="p.yml")) == []


HIDDEN = File(Path("/etc/age/deploy.key"), hidden=True)


@pytest.mark.parametrize(
    ("about", "host"),
    [
        ("worker", replace(HEALTHY, worker=None)),
        ("PrivateTmp", replace(HEALTHY, worker=replace(PROCESS, private_folder=True))),
        ("PrivateTmp", replace(HEALTHY, worker=replace(PROCESS, private_folder=None))),
        ("NoNewPrivileges",
         replace(HEALTHY, worker=replace(PROCESS, no_new_privileges=True))),
        ("NoNewPrivileges",
         replace(HEALTHY, process=replace(PROCESS, no_new_privileges=True))),
        ("run group", replace(HEALTHY, worker=replace(PROCESS, gids=frozenset()))),
        ("run group", replace(HEALTHY, user=replace(FASTDEPLOY, gids=frozenset()))),
        ("run group", switch(run_group="")),
        ("deploy user", switch(deploy=None)),
        ("stop helper", switch(stop_helper=None)),
        ("stop helper", switch(rules=SudoRules((STOP, HELLO)))),
        ("sudo", switch(rules=SudoRules((), refusal="a password is required"))),
    ],
    ids=["worker", "private", "can't-see", "no-privileges", "none-here",
         "before-joining", "outside", "no-group", "no-deploy", "no-helper",
         "no-mark", "no-sudo"],
)  # fmt: skip
def test_one_thing_that_is_wrong_is_one_finding(about: str, host: HostFacts) -> None:
    assert [about] == ill(host)


def test_only_a_missing_key_that_was_asked_for_is_a_problem() -> None:
    hidden = age_key(replace(HEALTHY, age_key=HIDDEN))
    missing = replace(HIDDEN, hidden=False)
    asked = age_key(replace(HEALTHY, age_key=missing, age_key_asked=True))

    assert (Level.OK, Level.PROBLEM) == (hidden.level, asked.level)
    assert "can't be seen" in hidden.message


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "above", "weak"),
    [
        (0o100755, 0, 0, 0o040755, False),
        (0o100775, 0, 901, 0o040755, True),
        (0o100775, 0, 77, 0o040755, False),
        (0o100757, 0, 0, 0o040755, True),
        (0o100755, 901, 0, 0o040755, True),
        (0o100755, 0, 0, 0o040777, True),
        (0o100755, 0, 0, 0o041777, False),
    ],
    ids=["root's", "by-group", "by-foreign-group", "by-all", "by-owner", "folder",
         "sticky-folder"],
)  # fmt: skip
def test_what_only_root_can_change_is_strong(
    mode: int, uid: int, gid: int, above: int, *, weak: bool
) -> None:
    file = File(Path("/x/y"), mode, uid, gid, above=(File(Path("/x"), above),))

    assert weak == (file.weak_spot((FASTDEPLOY, DEPLOY)) is not None)


def test_a_file_below_a_closed_folder_is_closed() -> None:
    closed = File(Path("/x"), 0o040700)
    file = File(Path("/x/y"), 0o100644, above=(closed,))

    assert not file.open_to(DEPLOY, 4)
    assert replace(file, above=()).open_to(DEPLOY, 4)


def test_a_sync_token_is_good_until_the_last_has_expired() -> None:
    past, future = NOW - timedelta(1), NOW + timedelta(1)

    assert [Level.OK, Level.WARNING, Level.OK, Level.OK] == [
        sync_token(expiries, NOW).level
        for expiries in ([], [past], [past, future], [past, None])
    ]


LISTED = r"""Matching Defaults entries for fastdeploy on host:
    env_reset, use_pty, env_keep+=FASTDEPLOY_RUN

User fastdeploy may run the following commands on host:
    (deploy) NOPASSWD: /home/deploy/runners/hello/deploy.py ^--config
        /var/tmp/fastdeploy-[0-9]+\.json$
    (root) NOPASSWD: /opt/stop
"""


def test_a_rule_that_sudo_breaks_into_lines_is_one_rule() -> None:
    hello = (
        r"(deploy) NOPASSWD: /home/deploy/runners/hello/deploy.py ^--config "
        r"/var/tmp/fastdeploy-[0-9]+\.json$"
    )

    assert (hello, "(root) NOPASSWD: /opt/stop") == listed(LISTED)


def test_the_same_folder_is_known_behind_another_mount_of_it() -> None:
    plain = "1 0 254:0 / / rw - ext4 /dev/vda rw\n"
    bound = f"{plain}2 1 254:0 /var /var rw - ext4 /dev/vda rw\n"
    private = f"{plain}2 1 254:0 /var/tmp/systemd-private-1/tmp /var/tmp rw - ext4 a\n"
    folder = Path("/var/tmp")

    assert ("254:0", folder) == backing(plain, folder)
    assert backing(plain, folder) == backing(bound, folder)
    assert backing(plain, folder) != backing(private, folder)

"""The doctor on a host as the role makes it: real accounts, files, sudo and worker."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import accounts
from app.accounts import Account
from app.doctor import diagnosis, inspection
from app.domain.finding import Level
from testing.accounts import DEPLOY, READERS, account
from testing.installation import installed
from testing.postgres import Postgres
from testing.registered_host import CONFIG, SELF, RegisteredHost, put

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can make users and write sudo's rules"
)


@pytest.fixture(scope="module")
def made(postgres: Postgres) -> Iterator[RegisteredHost]:
    """A host whose worker runs; nothing of it stays."""
    folder = Path(tempfile.mkdtemp(prefix="fastdeploy-doctor-"))
    folder.chmod(0o755)
    with account(folder / "home"):
        subprocess.run(["useradd", "--system", "--no-create-home", "--groups", READERS,
                        SELF], check=True)  # fmt: skip
        try:
            with installed(
                postgres, folder / "site", run_as=DEPLOY, run_group=READERS,
                stop_helper=folder / "bin" / "stop-run", config_folder="/var/tmp",
            ) as installation:  # fmt: skip
                found = RegisteredHost(installation, folder)
                found.register()
                yield found
        finally:
            for path in Path("/etc/sudoers.d").glob(f"{SELF}-*"):
                path.unlink()
            subprocess.run(["userdel", SELF], check=True)
            shutil.rmtree(folder)


@pytest.fixture(scope="module")
def working(made: RegisteredHost) -> Iterator[RegisteredHost]:
    """The same with a worker that is in the group, as it is on a real host."""
    started = made.made.worker(prefix=worker_with())
    yield made
    started.stop()


@pytest.fixture
def host(working: RegisteredHost) -> RegisteredHost:
    """The host as the role leaves it, whatever the test before did."""
    working.register()
    working.made.sync()
    return working


def worker_with(*options: str) -> list[str]:
    """What starts a worker in FastDeploy's group."""
    return ["setpriv", "--groups", str(accounts.group(READERS)), *options]


def test_a_service_as_the_role_registers_it_is_healthy(host: RegisteredHost) -> None:
    assert [] == host.problems()


def test_the_user_that_a_service_was_registered_for_is_the_one_that_counts(
    host: RegisteredHost,
) -> None:
    chosen = host.made.settings.model_copy(update={"run_as": "nobody"})
    registered = CONFIG.replace("}", f', "registration": {{"run_as": "{DEPLOY}"}}}}')
    put(host.service / "config.json", 0o640, registered, group=SELF)
    host.made.sync()

    assert [] == [f for f in host.findings(chosen) if f.level is not Level.OK]


def test_the_group_that_a_service_was_registered_with_is_the_one_that_counts(
    host: RegisteredHost,
) -> None:
    registration = json.dumps({"run_as": DEPLOY, "run_group": "no-such-group"})
    config = CONFIG.replace("}", f', "registration": {registration}}}')
    put(host.service / "config.json", 0o640, config, group=SELF)
    host.made.sync()

    (found,) = host.problems()
    ended = host.made.run("hello")

    assert ("run group", "There is no group no-such-group.") == (
        found.subject, found.message
    )  # fmt: skip
    assert ended.reason.startswith("there is no group no-such-group")


@pytest.mark.usefixtures("host")
def test_sudo_lists_the_same_to_the_user_itself_as_to_root() -> None:
    listing = subprocess.run(
        ["runuser", "-u", SELF, "--", "sudo", "-n", "-l"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    user = accounts.account(SELF)

    assert isinstance(user, Account)
    assert inspection.listed(listing.stdout) == inspection.sudo_rules(user).lines
    assert 2 == len(inspection.sudo_rules(user).lines)


BREAKS: dict[str, tuple[str, Callable[[RegisteredHost], object]]] = {
    "config-is-no-json": (
        "hello: config.json", lambda h: (h.service / "config.json").write_text("{")),
    "config-is-unreadable": (
        "hello: config.json", lambda h: put(h.service / "config.json", 0o600, CONFIG)),
    "config-is-newer": (
        "hello: stored version", lambda h: put(h.service / "config.json", 0o644,
            CONFIG.replace("}", ', "timeout": 7}'))),
    "program-is-missing": ("hello: program", lambda h: h.program.unlink()),
    "program-is-no-program": ("hello: program", lambda h: h.program.chmod(0o640)),
    "program-is-another's": (
        "hello: program", lambda h: shutil.chown(h.program, DEPLOY)),
    "program-can-be-written": ("hello: program", lambda h: h.program.chmod(0o770)),
    "runners-can-be-written": (
        "hello: program", lambda h: h.program.parents[1].chmod(0o777)),
    "home-is-not-sticky": ("hello: program", lambda h: h.home.chmod(0o771)),
    "no-rule": (
        "hello: sudoers", lambda h: h.rules("sudoers-service").unlink()),
    "rule-without-anchor": (
        "hello: sudoers", lambda h: h.allow("sudoers-service",
            f"{SELF} ALL=({DEPLOY}) NOPASSWD: {h.program} --config *")),
    "rule-beside": (
        "hello: sudoers", lambda h: h.allow("more",
            f"{SELF} ALL=(root) NOPASSWD: {h.program}")),
    "rule-for-more": (
        "sudo", lambda h: h.allow("more", f"{SELF} ALL=(root) NOPASSWD: /bin/cat")),
    "no-rule-to-stop": (
        "stop helper", lambda h: h.rules("sudoers-fastdeploy").unlink()),
    "no-helper": ("stop helper", lambda h: h.helper.unlink()),
    "helper-is-another's": ("stop helper", lambda h: shutil.chown(h.helper, SELF)),
    "helper-is-no-program": ("stop helper", lambda h: h.helper.chmod(0o644)),
    "not-in-the-group": (
        "run group", lambda _: subprocess.run(["gpasswd", "-d", DEPLOY, READERS],
            check=True, stdout=subprocess.DEVNULL)),
    "settings-are-readable": (
        "settings file", lambda h: (h.etc / "fastdeploy.env").chmod(0o644)),
    "var-is-readable": ("var folder", lambda h: h.made.settings.var.chmod(0o755)),
    "key-is-readable": ("age key", lambda h: h.key.chmod(0o640)),
    "key-is-root's": ("age key", lambda h: shutil.chown(h.key, "root")),
}  # fmt: skip


@pytest.mark.parametrize(("about", "damage"), BREAKS.values(), ids=BREAKS.keys())
def test_the_doctor_names_each_fault_and_its_command_fixes_it(
    host: RegisteredHost, about: str, damage: Callable[[RegisteredHost], object]
) -> None:
    damage(host)

    (found,) = host.problems()
    host.fix(found.fix)

    assert (Level.PROBLEM, about) == (found.level, found.subject)
    assert [] == host.problems()


def test_the_fix_of_a_service_that_was_never_synced_is_a_sync(
    host: RegisteredHost,
) -> None:
    shutil.rmtree(host.service)
    host.made.sync()
    archived = host.findings()
    host.register()

    (found,) = [f for f in host.problems() if f.subject == "hello: stored version"]
    host.fix(found.fix)

    assert "hello: config.json" in [f.subject for f in archived if f.level != Level.OK]
    assert "archived" in found.message
    assert [] == host.problems()


PRIVATE = ["unshare", "--mount", "sh", "-c",
           'mount -t tmpfs none /var/tmp && exec "$@"', "sh"]  # fmt: skip


@pytest.mark.parametrize(
    ("about", "prefix"),
    [("NoNewPrivileges", ["setpriv", "--no-new-privs"]), ("PrivateTmp", PRIVATE)],
    ids=["no-new-privileges", "private-tmp"],
)
def test_what_systemd_takes_from_the_worker_is_seen(
    postgres: Postgres, made: RegisteredHost, about: str, prefix: list[str]
) -> None:
    made.register()
    with installed(
        postgres, made.folder / about, run_as=DEPLOY, run_group=READERS,
        stop_helper=made.helper, config_folder="/var/tmp",
    ) as hardened:  # fmt: skip
        hardened.worker(prefix=prefix)
        seen = diagnosis.examine(
            hardened.store, hardened.settings, etc=made.etc
        ).findings

    (found,) = [each for each in seen if each.subject == about]
    assert Level.PROBLEM is found.level
    assert f"{about}=false" in found.fix

"""Attack a host on which services are registered, and print each refusal.

Run as root on that host; `--outside` is the address of another machine that listens on
ports 8080 and 8081, of which the second deploy user may reach the first. Nothing but
the standard library is needed. The exit code is the number of attacks that got through.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

RUNNERS = Path("/home/deploy/runners")
HELLO = f"{RUNNERS}/hello/deploy.py"
SITE = f"{RUNNERS}/static-site/deploy.py"
PYTHON = "/opt/fastdeploy/runner/bin/python"
STOP = "/opt/fastdeploy/bin/stop-run"
RUNS = "/var/lib/fastdeploy/runs"
INFRA = f"{RUNNERS}/infra/deploy.py"
KEPT = f"{RUNNERS}/kept/deploy.py"
MIRROR = "/home/deploy/.local/share/fastdeploy/projects/infra"
OWN_MIRROR = "/var/lib/fastdeploy/projects/infra"
LEAKY = f"{RUNNERS}/leaky/deploy.py"
KEY = Path("/etc/fastdeploy/age/deploy.key")
CONFIG = "/var/tmp/fastdeploy-1.json"
#: What belongs to everybody, to FastDeploy, or to the runs themselves. The rest of the
#: host is executed by the deploy user or by root, or decides what is.
UNEXECUTED = ("/proc", "/sys", "/dev", "/tmp", "/var/tmp", "/run/lock", "/opt/tests",
              "/var/lib/fastdeploy", "/home/deploy")  # fmt: skip

#: How sudo says no: to who has other rights, and to who would need a password.
NO_SUDO = r"not allowed to|a password is required|may not run sudo"
NO_PERMISSION = "Permission denied|Operation not permitted"
NO_ROUTE = "Permission denied|prohibited|unreachable|No route to host|not permitted"

_CONNECT = """\
import socket, sys
kind = socket.SOCK_DGRAM if sys.argv[3] == "udp" else socket.SOCK_STREAM
with socket.socket(socket.AF_INET, kind) as end:
    end.settimeout(5)
    end.connect((sys.argv[1], int(sys.argv[2])))
    end.send(b"x")
"""


@dataclass(frozen=True)
class Attack:
    """What one user tries, and how it has to be refused."""

    user: str
    what: str
    command: tuple[str, ...]
    refusal: str

    @property
    def name(self) -> str:
        """What docs/security.md calls it."""
        return f"{self.user} {self.what}"

    def refused(self) -> str:
        """The words of the refusal; empty if there were none."""
        done = run_as(self.user, *self.command)
        found = re.search(self.refusal, done.stdout)
        if done.returncode == 0 or not found:
            return ""
        return done.stdout[found.start() :].splitlines()[0]


@dataclass(frozen=True)
class Check:
    """An attack by several commands; `attack` returns what it got."""

    user: str
    what: str
    attack: Callable[[], str]
    refusal: str

    @property
    def name(self) -> str:
        """What docs/security.md calls it."""
        return f"{self.user} {self.what}"

    def refused(self) -> str:
        """What kept the attack from getting anything; empty if it got something."""
        got = self.attack()
        if got:
            say(f"         it got: {got}")
        return "" if got else self.refusal


def run_as(user: str, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as a user, with both of its outputs together."""
    return subprocess.run(
        ["runuser", "-u", user, "--", *command], check=False, text=True, cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=120,
    )  # fmt: skip


def sudo(*words: str) -> tuple[str, ...]:
    """What FastDeploy calls to be the deploy user."""
    return ("sudo", "-n", "-u", "deploy", *words)


def by_sudo() -> Iterator[Attack]:
    """Other arguments, other programs, other users, other services."""
    arguments = {
        "no arguments": (),
        "another option": ("--help",),
        "a config file elsewhere": ("--config", "/tmp/fastdeploy-1.json"),
        "a config file without a number": ("--config", "/var/tmp/fastdeploy-.json"),
        "a config file by a way around": ("--config", "/var/tmp/../tmp/x-1.json"),
        "something behind the config file": ("--config", CONFIG, "--service", "/tmp"),
        "a longer name": ("--config", f"{CONFIG}.json"),
        "a second line": ("--config", f"{CONFIG}\n--service"),
    }  # fmt: skip
    for what, words in arguments.items():
        yield Attack("fastdeploy", f"runs the runner with {what}",
                     sudo(HELLO, *words), NO_SUDO)  # fmt: skip
    good = ("--config", CONFIG)
    programs = {
        "a shell as deploy": sudo("/bin/sh", "-c", "id"),
        "a shell as root": ("sudo", "-n", "/bin/sh", "-c", "id"),
        "the runner as root": ("sudo", "-n", HELLO, *good),
        "the runner by a way around": sudo(f"{RUNNERS}/hello/../x/deploy.py", *good),
        "a service that is not registered": sudo(f"{RUNNERS}/ghost/deploy.py", *good),
        "the interpreter of the runs": sudo(PYTHON, "-c", ""),
        "the runner with a variable": sudo("PYTHONPATH=/tmp", HELLO, *good),
        "the runner in another folder": ("sudo", "-D", "/tmp", *sudo(HELLO, *good)[1:]),
        "an editor of root's files": ("sudo", "-n", "-e", "/etc/sudoers"),
        "the stop helper on another folder": ("sudo", "-n", STOP, "/etc", "KILL"),
        "the stop helper by a way around": ("sudo", "-n", STOP, f"{RUNS}/../1", "KILL"),
        "the stop helper for more": ("sudo", "-n", STOP, f"{RUNS}/1", "STOP"),
        "the stop helper as deploy": sudo(STOP, f"{RUNS}/1", "KILL"),
    }  # fmt: skip
    for what, command in programs.items():
        yield Attack("fastdeploy", f"runs {what}", command,
                     rf"{NO_SUDO}|not permitted to use the -D")  # fmt: skip


def by_files() -> Iterator[Attack | Check]:
    """Reading what is secret, writing what is executed."""
    environment = "/etc/fastdeploy/fastdeploy.env"
    reads = {
        ("fastdeploy", "the age key"): str(KEY),
        ("fastdeploy", "a service's runner"): HELLO,
        ("deploy", "FastDeploy's settings"): environment,
        ("deploy", "FastDeploy's runs"): RUNS + "/1/journal",
        ("deploy-probe", "another deploy user's age key"): str(KEY),
        ("deploy-probe", "another deploy user's runner"): HELLO,
    }
    for (user, what), path in reads.items():
        yield Attack(user, f"reads {what}", ("cat", path), NO_PERMISSION)
    moves = {
        ("fastdeploy", "the services"): "/home/fastdeploy/site/services",
        ("fastdeploy", "the code of FastDeploy"): "/home/fastdeploy/site",
        ("deploy", "the runners"): str(RUNNERS),
        ("deploy", "its age key"): str(KEY),
    }
    for (user, what), path in moves.items():
        yield Attack(user, f"puts something else in the place of {what}",
                     ("mv", "-T", path, f"{path}.old"), NO_PERMISSION)  # fmt: skip
    for user in ("fastdeploy", "deploy"):
        yield Check(
            user,
            "finds something to write among what deploy or root executes",
            lambda user=user: writable(user),  # type: ignore[misc] # a default binds it
            "nothing is writable",
        )


def writable(user: str) -> str:
    """Return the executed files that a user may write, except its own age key."""
    left_out = " -o ".join(f"-path {folder}" for folder in UNEXECUTED)
    search = f"find / \\( {left_out} \\) -prune -o -writable -type f,d -print"
    found = run_as(user, "sh", "-c", f"{search}; find {RUNNERS} -writable").stdout
    return " ".join(
        line for line in found.splitlines()
        if "Permission denied" not in line and line != str(KEY)
    )  # fmt: skip


def by_config_file() -> Iterator[Check]:
    """Links and races on the file that the runner is pointed to."""
    for program, service in ((HELLO, "script"), (SITE, "playbook")):
        yield Check(
            "fastdeploy",
            f"has a {service} service read the age key through a link",
            lambda program=program: leak(program, linked=True),  # type: ignore[misc]
            "the key is in no output",
        )
        yield Check(
            "fastdeploy",
            f"exchanges the config file of a {service} service while it is read",
            lambda program=program: race(program),  # type: ignore[misc]
            "the key is in no output",
        )
    yield Check("fastdeploy", "sets options that a playbook service does not allow",
                set_options, "each one is refused")  # fmt: skip
    yield Check("deploy-probe", "reads the config file of another user's run",
                read_another, "Permission denied")  # fmt: skip
    yield Check("fastdeploy", "brings along modules, libraries and an ansible.cfg",
                smuggle, "no line of them was executed")  # fmt: skip


def leak(program: str, *, linked: bool) -> str:
    """Point the runner to a link to the key; returns the output if the key is in it."""
    secret = KEY.read_text().split()[-1]
    if linked:
        run_as("fastdeploy", "ln", "-sfn", str(KEY), CONFIG)
    done = run_as("fastdeploy", *sudo(program, "--config", CONFIG))
    if linked:
        Path(CONFIG).unlink()
    return done.stdout if secret in done.stdout else ""


def set_options() -> str:
    """Name options in a run's config file; returns what a run printed with one."""
    for options in ({"limit": "all"}, {"limit": f"@{KEY}"}, {"become": True}):
        content = {"deployment_id": 1, "service_name": Path(SITE).parent.name,
                   "options": options}  # fmt: skip
        write = 'printf %s "$1" >"$2" && chmod 644 "$2"'
        run_as("fastdeploy", "sh", "-c", write, "sh", json.dumps(content), CONFIG)
        done = run_as("fastdeploy", *sudo(SITE, "--config", CONFIG))
        Path(CONFIG).unlink()
        if "does not allow the option" not in done.stdout:
            return done.stdout or "nothing was refused"
    return ""


def read_another() -> str:
    """Read what a run of deploy's is given, as another deploy user; what was read."""
    subprocess.run(["/usr/local/sbin/fastdeploy", "deploy", "hello", "-e", "pause=2"],
                   check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    deadline = time.monotonic() + 60
    while not (found := list(Path("/var/tmp").glob("fastdeploy-*.json"))):
        if time.monotonic() > deadline:
            return "nothing: there was no run"
        time.sleep(0.05)
    own, other = (run_as(u, "cat", str(found[0])) for u in ("deploy", "deploy-probe"))
    if own.returncode:
        return "nothing, and neither does the run"
    return "" if re.search(NO_PERMISSION, other.stdout) else other.stdout


def race(program: str) -> str:
    """Exchange file and link again and again while the runner reads it."""
    over = threading.Event()

    def exchange() -> None:
        file = Path(CONFIG)
        while not over.is_set():
            for make in (lambda: file.symlink_to(KEY), lambda: file.write_text("{}")):
                file.unlink(missing_ok=True)
                make()
                subprocess.run(["chown", "-h", "fastdeploy", CONFIG], check=False)

    exchanger = threading.Thread(target=exchange)
    exchanger.start()
    try:
        return "".join(leak(program, linked=False) for _ in range(10))
    finally:
        over.set()
        exchanger.join()
        Path(CONFIG).unlink(missing_ok=True)


def smuggle() -> str:
    """Run the runners from an attacker's folder, with an attacker's environment."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        proof = Path(folder, "proof")
        evil = f"open({str(proof)!r}, 'w')\n"
        for name in ("json", "app", "argparse", "sitecustomize", "usercustomize"):
            Path(folder, f"{name}.py").write_text(evil)
        Path(folder, "ansible.cfg").write_text(
            f"[defaults]\ncallback_plugins={folder}\n"
        )
        for program in (HELLO, SITE):
            run_as(
                "fastdeploy", "env", f"PYTHONPATH={folder}", f"PYTHONHOME={folder}",
                f"ANSIBLE_CONFIG={folder}/ansible.cfg", f"HOME={folder}",
                f"PATH={folder}:/usr/bin:/bin", f"PYTHONUSERBASE={folder}",
                "sh", "-c", f'cd {folder} && exec "$@"', "sh",
                *sudo(program, "--config", CONFIG),
            )  # fmt: skip
        return "something of it was executed" if proof.exists() else ""


def by_project() -> Iterator[Attack | Check]:
    """Commits that root doesn't allow, and content in the place of the allowed ones."""
    staging, production = "infra/site@staging", "infra/site@production"
    refused = {
        "a commit of no allowed branch": (
            staging, "/srv/infra", "feature", "but must be in an allowed ref"
        ),
        "a commit of another repository": (
            staging, "/srv/foreign", "main", "has no commit"
        ),
        "a commit that production does not allow": (
            production, "/srv/infra", "main", "but must be in an allowed ref"
        ),
        "a service of another project": (
            "static-site/site@staging", "/srv/infra", "main", "is not a service of"
        ),
        "a project by its path": (
            "../infra/site@staging", "/srv/infra", "main", "is not a service of"
        ),
        "a script of a project": (
            "infra/script@staging", "/srv/infra", "main", "is a script"
        ),
    }  # fmt: skip
    for what, (name, folder, ref, sentence) in refused.items():
        yield Check(
            "fastdeploy",
            f"runs {what}",
            lambda name=name, folder=folder, ref=ref, sentence=sentence: got_through(  # type: ignore[misc]
                sentence, name, commit_of(folder, ref)
            ),
            sentence,
        )
    yield Check("fastdeploy", "runs a ref that is an option of git",
                lambda: got_through("must be the full name", staging,
                                    commit_of("/srv/infra", "main"),
                                    "--upload-pack=/tmp/x"),
                "must be the full name")  # fmt: skip
    yield Check("fastdeploy", "runs a service that only the repository describes",
                lambda: got_through("doesn't define kept/site@staging",
                                    "kept/site@staging",
                                    commit_of("/srv/infra", "main"), program=KEPT),
                "fastdeploy.yml of root doesn't define it")  # fmt: skip
    yield Check("fastdeploy", "runs a commit that it has put into its own mirror",
                forge, "has no commit")  # fmt: skip
    yield Check("fastdeploy", "brings along a configuration of git",
                smuggle_git, "no line of it was executed")  # fmt: skip
    elsewhere = sudo(INFRA, "--config", CONFIG, "--project", "/tmp")
    yield Attack("fastdeploy", "brings along a project.json", elsewhere, NO_SUDO)
    for user in ("fastdeploy", "deploy-probe"):
        yield Attack(user, "reads the mirror of another user",
                     ("cat", f"{MIRROR}/mirror.git/HEAD"), NO_PERMISSION)  # fmt: skip
        yield Attack(user, "writes a tree of another user",
                     ("touch", f"{MIRROR}/trees/x"), NO_PERMISSION)  # fmt: skip


def commit_of(folder: str, ref: str) -> str:
    """Return the commit of a branch of a repository on this host."""
    return subprocess.run(
        ["git", "-C", folder, "rev-parse", ref],
        check=True, text=True, stdout=subprocess.PIPE,
    ).stdout.strip()  # fmt: skip


def run_project(
    name: str,
    commit: str,
    ref: str = "",
    environment: tuple[str, ...] = (),
    program: str = INFRA,
) -> "subprocess.CompletedProcess[str]":
    """Call the runner of the project as the worker does, with any config file."""
    content = {"deployment_id": 1, "service_name": name, "commit": commit, "ref": ref,
               "project": "/tmp", "environment": {"GIT_DIR": "/tmp"}}  # fmt: skip
    Path(CONFIG).unlink(missing_ok=True)
    write = 'printf %s "$1" >"$2" && chmod 644 "$2"'
    run_as("fastdeploy", "sh", "-c", write, "sh", json.dumps(content), CONFIG)
    command = sudo(program, "--config", CONFIG)
    done = run_as("fastdeploy", "env", *environment, *command)
    Path(CONFIG).unlink()
    return done


def got_through(
    sentence: str, name: str, commit: str, ref: str = "", program: str = INFRA
) -> str:
    """Return the output of a run; empty if it was refused with the sentence."""
    done = run_project(name, commit, ref, program=program)
    refused = done.returncode and sentence in done.stdout
    return "" if refused else done.stdout or "nothing was refused"


def forge() -> str:
    """Add a commit to FastDeploy's own mirror, on the branch that is allowed."""
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@y",
           f"--git-dir={OWN_MIRROR}/mirror.git")  # fmt: skip
    tree = commit_of("/srv/infra", "main^{tree}")
    made = run_as("fastdeploy", *git, "commit-tree", "-m", "forged", tree)
    commit = made.stdout.strip()
    if made.returncode:
        return f"nothing: {commit}"
    run_as("fastdeploy", *git, "update-ref", "refs/heads/main", commit)
    return got_through("has no commit", "infra/site@staging", commit)


def smuggle_git() -> str:
    """Run an allowed commit with an attacker's variables and configuration of git."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        proof = Path(folder, "proof")
        Path(folder, "evil").write_text(f"#!/bin/sh\ntouch {proof}\n")
        Path(folder, "evil").chmod(0o755)
        Path(folder, ".gitconfig").write_text(
            f"[core]\nfsmonitor={folder}/evil\nsshCommand={folder}/evil\n"
            '[url "/srv/foreign"]\ninsteadOf=/srv/infra\n[safe]\ndirectory=*\n'
        )
        done = run_project(
            "infra/site@staging", commit_of("/srv/infra", "main"), "",
            (f"HOME={folder}", f"XDG_CONFIG_HOME={folder}",
             f"GIT_CONFIG_GLOBAL={folder}/.gitconfig", f"GIT_EXEC_PATH={folder}",
             f"GIT_SSH_COMMAND={folder}/evil", f"GIT_DIR={folder}",
             "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=core.fsmonitor",
             f"GIT_CONFIG_VALUE_0={folder}/evil", f"PATH={folder}:/usr/bin:/bin"),
        )  # fmt: skip
        if done.returncode:
            return f"nothing, and the allowed commit doesn't run: {done.stdout}"
        return "something of it was executed" if proof.exists() else ""


def by_deploy(outside: str) -> Iterator[Attack]:
    """What a run could try against FastDeploy, the host and the world."""
    yield Attack("deploy", "becomes root", ("sudo", "-n", "id"), NO_SUDO)
    yield Attack("deploy", "becomes FastDeploy",
                 ("sudo", "-n", "-u", "fastdeploy", "id"), NO_SUDO)  # fmt: skip
    yield Attack("deploy", "lists its rights", ("sudo", "-n", "-l"), NO_SUDO)
    databases = {
        "by its own name": ("psql", "-d", "fastdeploy"),
        "by FastDeploy's name": ("psql", "-U", "fastdeploy", "-d", "fastdeploy"),
        "over TCP": ("psql", "-w", "-h", "127.0.0.1", "-U", "fastdeploy", "fastdeploy"),
    }
    for how, command in databases.items():
        yield Attack("deploy", f"reads the database {how}", (*command, "-c", "SELECT"),
                     "does not exist|authentication failed|no password")  # fmt: skip
    for unit in ("fastdeploy", "fastdeploy-worker"):
        pid = f"$(systemctl show --property=MainPID --value {unit})"
        environment = f"cat /proc/{pid}/environ"
        yield Attack("deploy", f"signals {unit}",
                     ("sh", "-c", f"kill -TERM {pid}"), NO_PERMISSION)  # fmt: skip
        yield Attack("deploy", f"reads the environment of {unit}",
                     ("sh", "-c", environment), NO_PERMISSION)  # fmt: skip
        yield Attack("deploy", f"restarts {unit}", ("systemctl", "restart", unit),
                     "Access denied|authentication required")  # fmt: skip
    yield Attack("deploy", "opens the network", ("nft", "delete table inet fastdeploy"),
                 "Operation not permitted")  # fmt: skip
    yield Attack("deploy", "opens the network as root of a namespace of its own",
                 ("unshare", "-Ur", "nft", "delete table inet fastdeploy"),
                 NO_PERMISSION)  # fmt: skip
    connections = {
        ("deploy", "the world over TCP"): (outside, "8080", "tcp"),
        ("deploy", "the world over UDP"): (outside, "53", "udp"),
        ("deploy", "the world by the host's resolver"): ("127.0.0.1", "53", "udp"),
        ("deploy-probe", "a port that is not on its list"): (outside, "8081", "tcp"),
    }
    for (user, what), where in connections.items():
        yield Attack(user, f"reaches {what}", connect(*where), NO_ROUTE)


def connect(*where: str) -> tuple[str, ...]:
    """A command that opens a connection to an address, port and protocol."""
    return ("python3", "-c", _CONNECT, *where)


def by_listing() -> Check:
    """`sudo -l` shows exactly what was registered."""
    config = r"^--config /var/tmp/fastdeploy-[0-9]+\.json$"
    expected = {
        f"(root) NOPASSWD: {STOP} ^{RUNS}/[0-9]+ (INT|TERM|KILL|COUNT)$",
    } | {
        f"({user}) CWD={Path(program).parent} NOPASSWD: {program} {config}"
        for user, program in (
            ("deploy", HELLO),
            ("deploy", SITE),
            ("deploy", LEAKY),
            ("deploy", INFRA),
            ("deploy", KEPT),
            ("deploy-probe", "/home/deploy-probe/runners/probe/deploy.py"),
        )
    }

    def unexpected() -> str:
        listed = run_as("fastdeploy", "sudo", "-n", "-l").stdout
        # sudo breaks a long rule into lines.
        rules = re.findall(r"^ {4}(\(.*(?:\n {5,}.*)*)", listed, re.MULTILINE)
        lines = {" ".join(rule.split()) for rule in rules}
        return ", ".join(sorted(lines ^ expected))

    return Check("fastdeploy", "may run more or less than what was registered",
                 unexpected, f"sudo -l: exactly {len(expected)} lines")  # fmt: skip


def every(outside: str) -> list[Attack | Check]:
    """Every attack; to list them does nothing."""
    # They import this module.
    from tests.system.credential_attacks import by_credentials  # noqa: PLC0415
    from tests.system.git_credential_attacks import (  # noqa: PLC0415
        by_git_credentials,
    )

    return [
        *by_sudo(), *by_files(), *by_config_file(), *by_project(),
        *by_deploy(outside), by_listing(), *by_credentials(), *by_git_credentials(),
    ]  # fmt: skip


def controls(outside: str) -> Iterator[tuple[str, bool]]:
    """What has to succeed, so that a refusal above means something."""
    for user, port in (("root", "8080"), ("root", "8081"), ("deploy-probe", "8080")):
        done = run_as(user, *connect(outside, port, "tcp"))
        yield f"{user} reaches port {port} of the world", done.returncode == 0
    run = run_as("fastdeploy", *sudo(HELLO, "--config", CONFIG))
    yield "fastdeploy runs what was registered", "Cannot use the config" in run.stdout
    for service, ref in (("site@staging", "main"), ("site@production", "v1")):
        done = run_project(f"infra/{service}", commit_of("/srv/infra", ref))
        held = done.returncode == 0 and "the site belongs to deploy" in done.stdout
        yield f"fastdeploy runs an allowed commit of infra/{service}", held
    done = run_project("kept/check@staging", commit_of("/srv/infra", "main"),
                       program=KEPT)  # fmt: skip
    held = done.returncode == 0 and "the site belongs to deploy" in done.stdout
    yield "fastdeploy runs a service that root describes", held
    became = run_as("deploy-probe", "sudo", "-n", "id", "-u")
    yield "deploy-probe, of fd_become: full, becomes root", became.stdout == "0\n"


def say(line: str) -> None:
    """Print a line at once: who reads it waits for it."""
    print(line, flush=True)  # noqa: T201 - this is a program


def main() -> int:
    """Try everything; returns how much got through."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outside", required=True)
    outside = parser.parse_args().outside
    through = 0
    for what, held in controls(outside):
        say(f"{'ok      ' if held else 'FAILED  '} {what}")
        through += not held
    attacks = every(outside)
    for attack in attacks:
        refusal = attack.refused()
        state = "refused " if refusal else "THROUGH "
        say(f"{state} {attack.name}: {refusal or 'nothing kept it'}")
        through += not refusal
    say(f"{len(attacks)} attacks; {through} attacks or controls went wrong")
    return through


if __name__ == "__main__":
    sys.exit(main())

"""Attacks by sudo, by files and by runs on a host, and what the sudo rules allow."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.system.attack_types import (
    CONFIG,
    HELLO,
    INFRA,
    KEPT,
    KEY,
    LEAKY,
    NO_PERMISSION,
    NO_ROUTE,
    NO_SUDO,
    PYTHON,
    RUNNERS,
    RUNS,
    SITE,
    STOP,
    Attack,
    Check,
    run_as,
    sudo,
)

#: What belongs to everybody, to FastDeploy, or to the runs themselves. The rest of the
#: host is executed by the deploy user or by root, or decides what is.
UNEXECUTED = ("/proc", "/sys", "/dev", "/tmp", "/var/tmp", "/run/lock", "/opt/tests",
              "/var/lib/fastdeploy", "/home/deploy")  # fmt: skip


_CONNECT = """\
import socket, sys
kind = socket.SOCK_DGRAM if sys.argv[3] == "udp" else socket.SOCK_STREAM
with socket.socket(socket.AF_INET, kind) as end:
    end.settimeout(5)
    end.connect((sys.argv[1], int(sys.argv[2])))
    end.send(b"x")
"""


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
            ("deploy-reach", "/home/deploy-reach/runners/reach/deploy.py"),
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

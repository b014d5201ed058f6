"""Attack a host on which services are registered, and print each refusal.

Run as root on that host; `--outside` is the address of another machine that listens on
ports 8080 and 8081, of which the second deploy user may reach the first. Nothing but
the standard library is needed. The exit code is the number of attacks that got through.
"""

import argparse
import sys
from collections.abc import Iterator

from tests.system.attack_types import (
    CONFIG,
    HELLO,
    KEPT,
    Attack,
    Check,
    run_as,
    say,
    sudo,
)
from tests.system.config_file_attacks import by_config_file
from tests.system.credential_attacks import by_credentials
from tests.system.git_credential_attacks import by_git_credentials
from tests.system.host_attacks import by_deploy, by_files, by_listing, by_sudo, connect
from tests.system.project_attacks import by_project, commit_of, run_project


def every(outside: str) -> list[Attack | Check]:
    """Every attack; to list them does nothing."""
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

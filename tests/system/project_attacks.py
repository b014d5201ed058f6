"""Attacks with the commits, refs and mirrors of a project."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.system.attack_types import (
    CONFIG,
    INFRA,
    KEPT,
    NO_PERMISSION,
    NO_SUDO,
    Attack,
    Check,
    run_as,
    sudo,
)

MIRROR = "/home/deploy/.local/share/fastdeploy/projects/infra"
OWN_MIRROR = "/var/lib/fastdeploy/projects/infra"


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

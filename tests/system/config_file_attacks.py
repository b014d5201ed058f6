"""Attacks with the config file, the folder and the environment of a run."""

import json
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.system.attack_types import (
    CONFIG,
    HELLO,
    KEY,
    NO_PERMISSION,
    SITE,
    Check,
    run_as,
    sudo,
)


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

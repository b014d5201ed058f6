"""Commands that fix the doctor's findings; they are run as root."""

import shlex

from app.doctor.facts import File, HostFacts
from app.domain.finding import Finding, Level

#: The name that the role gives the worker's systemd unit.
WORKER_UNIT = "fastdeploy-worker"
#: The file in which the role stores FastDeploy's settings.
SETTINGS_FILE = "/etc/fastdeploy/fastdeploy.env"


def register(name: str) -> str:
    """Return the command that registers a service again, on the control machine."""
    return f"./justw register-one {name}"


def register_project(name: str) -> str:
    """Return the command that registers a project again, on the control machine.

    Its variables may be in a file with another name there.
    """
    return f"./justw register-project {name}.yml"


def start_worker(host: HostFacts) -> str:
    """Return the command that starts a worker, on a server or a developer's machine."""
    return "fastdeploy worker" if host.switch is None else (
        f"systemctl start {WORKER_UNIT}"
    )  # fmt: skip


def override(setting: str, unit: str = WORKER_UNIT) -> str:
    """Return a command that overrides a unit's setting and restarts the unit."""
    folder = f"/etc/systemd/system/{unit}.service.d"
    # The alphabetically last file wins, also over the override.conf of
    # `systemctl edit`.
    file = f"{folder}/zz-{setting.partition('=')[0]}.conf"
    return (
        f"mkdir -p {folder} && printf '[Service]\\n{setting}\\n' >{file} && "
        f"systemctl daemon-reload && systemctl restart {unit}"
    )


def set_variable(name: str, value: str) -> str:
    """Return a command that sets a variable and restarts the worker."""
    return f"echo {name}={value} >>{SETTINGS_FILE} && systemctl restart {WORKER_UNIT}"


def exposed(about: str, weak: File) -> Finding:
    """Return the finding about a file or folder that a non-root user can replace."""
    named = shlex.quote(str(weak.path))
    return Finding(
        Level.PROBLEM,
        about,
        f"{weak.path} must be root's, and writable for nobody else: who can change it "
        "decides what is run.",
        f"chown root {named} && chmod go-w {named}",
    )

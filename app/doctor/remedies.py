"""Commands that fix what the doctor finds; they are typed as root."""

import shlex

from app.doctor.facts import File, HostFacts
from app.domain.finding import Finding, Level

#: The worker's systemd unit, as the role calls it.
WORKER_UNIT = "fastdeploy-worker"
#: The file with FastDeploy's settings, where the role has it.
SETTINGS_FILE = "/etc/fastdeploy/fastdeploy.env"


def register(name: str) -> str:
    """A command that registers a service anew, on the control machine."""
    return f"./justw register-one {name}"


def start_worker(host: HostFacts) -> str:
    """The command that starts a worker here, registered or on one's own machine."""
    return "fastdeploy worker" if host.switch is None else (
        f"systemctl start {WORKER_UNIT}"
    )  # fmt: skip


def override(setting: str, unit: str = WORKER_UNIT) -> str:
    """A command that changes a unit's setting and lets its process begin anew."""
    folder = f"/etc/systemd/system/{unit}.service.d"
    # The last file in the alphabet has the last word: `systemctl edit` makes an
    # override.conf.
    file = f"{folder}/zz-{setting.partition('=')[0]}.conf"
    return (
        f"mkdir -p {folder} && printf '[Service]\\n{setting}\\n' >{file} && "
        f"systemctl daemon-reload && systemctl restart {unit}"
    )


def set_variable(name: str, value: str) -> str:
    """A command that gives a setting a value, for the next start of web and worker."""
    return f"echo {name}={value} >>{SETTINGS_FILE} && systemctl restart {WORKER_UNIT}"


def exposed(about: str, weak: File) -> Finding:
    """A file or folder that somebody else than root could exchange."""
    named = shlex.quote(str(weak.path))
    return Finding(
        Level.PROBLEM,
        about,
        f"{weak.path} must be root's, and writable for nobody else: who can change it "
        "decides what is run.",
        f"chown root {named} && chmod go-w {named}",
    )

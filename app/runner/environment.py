"""Build the environment of ansible-playbook from a list of allowed variables."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from .early_start import utf8_locale
from .journal import JournalWriter
from .stop import MARK

#: Variables that a run inherits from the worker, and ansible-playbook from the runner.
#: All others are dropped, ANSIBLE_* too: a service is configured in its own
#: ansible.cfg, and by `environment` in its config.json. If runs belong to another
#: user, sudo keeps only MARK.
INHERITED = frozenset({
    "HOME", "LANG", "LANGUAGE", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TZ", "USER",
    "XDG_RUNTIME_DIR",
    "SOPS_AGE_KEY_FILE", "SSH_AUTH_SOCK",
    "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR", "SSL_CERT_FILE",
    "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
    MARK,
})  # fmt: skip
#: The pattern of a name in `environment` of config.json.
NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
#: Names that config.json can't set. FASTDEPLOY_* and ANSIBLE_* connect a run with its
#: processes and its events; the shell that starts a script sets the others.
_RESERVED = re.compile(
    "FASTDEPLOY_.*|ANSIBLE_(STDOUT_CALLBACK|CALLBACK_PLUGINS|FORCE_COLOR)"
    "|IFS|OLDPWD|OPTIND|PPID|PWD"
)
CALLBACK_PLUGINS = Path(__file__).parent / "callback_plugins"
#: Variables for the runner's own ansible-playbook alone. The callback plugin removes
#: them once Ansible has read them, so that a task that calls Ansible isn't affected.
#: ANSIBLE_NO_TARGET_SYSLOG isn't removed: such a task may use the run's secrets.
TRANSIENT = (
    "ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_FORCE_COLOR",
    "ANSIBLE_RETRY_FILES_ENABLED", "ANSIBLE_INVENTORY_UNPARSED_FAILED",
    "ANSIBLE_DIFF_ALWAYS", "ANSIBLE_FORKS", "ANSIBLE_GATHERING", "ANSIBLE_CACHE_PLUGIN",
    "ANSIBLE_CACHE_PLUGIN_CONNECTION", "ANSIBLE_CACHE_PLUGIN_TIMEOUT",
    "FASTDEPLOY_EVENT_PIPE", "FASTDEPLOY_FILE_HISTORY", "FASTDEPLOY_OWED_HANDLERS",
    "FASTDEPLOY_TERMINAL",
)  # fmt: skip
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def inherit(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a run inherits from the environment of its caller."""
    return {
        name: value
        for name, value in caller.items()
        if name in INHERITED or name.startswith("LC_")
    }


def build(caller: Mapping[str, str], service: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a run without the variables of the callback.

    Programs beside this interpreter come first in PATH, so that its own
    ansible-playbook is the one that runs.

    Args:
        caller: The environment of this process.
        service: `environment` of the service's config.json, which overrides `caller`.
    """
    inherited = inherit(caller)
    found = inherited | utf8_locale(inherited) | {
        "PATH": caller.get("PATH") or _SYSTEM_PATH,
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
    } | dict(service)  # fmt: skip
    path = os.pathsep.join((str(Path(sys.executable).parent), found["PATH"]))
    return found | {
        "PATH": path,
        "ANSIBLE_FORCE_COLOR": "True",
        # Tasks that call Ansible keep the variables that the service has set.
        "FASTDEPLOY_TRANSIENT": " ".join(n for n in TRANSIENT if n not in service),
    }


def refuse_failed_inventory(
    env: Mapping[str, str], inventory: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment in which a run fails if no inventory could be parsed.

    By default, Ansible continues without hosts and exits with 0. A service can choose
    either behaviour in its `environment` or in the section `inventory` of its
    ansible.cfg; its choice is kept.
    """
    chosen = "ANSIBLE_INVENTORY_UNPARSED_FAILED" in env or any(
        key in inventory for key in ("unparsed_is_failed", "unparsed_warning")
    )
    ours = {} if chosen else {"ANSIBLE_INVENTORY_UNPARSED_FAILED": "True"}
    return {**env, **ours}


def close_logs(
    env: dict[str, str], defaults: Mapping[str, str], journal: JournalWriter
) -> None:
    """Keep Ansible from writing secrets into logs that every user may read."""
    # Modules would write their arguments into the target host's syslog.
    env["ANSIBLE_NO_TARGET_SYSLOG"] = "True"
    if defaults.get("log_path") or env.get("ANSIBLE_LOG_PATH"):
        journal.write(
            b"FastDeploy has turned log_path off for this run: it has secrets, which "
            b"Ansible would write into that file in clear."
        )
    env["ANSIBLE_LOG_PATH"] = os.devnull


def find_problem(name: str, text: str) -> str:
    """Return why `environment` in config.json can't set a variable; empty if it can."""
    if not re.fullmatch(NAME, name):
        return f"{name!r} must have letters, digits and _ only, and begin with no digit"
    if _RESERVED.fullmatch(name):
        return f"{name} is set by FastDeploy or the shell: remove it"
    if "\0" in text:
        return f"{name} must have no NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"{name} must have no half of a surrogate pair"
    return ""


def for_our_callback(events: Path, terminal: int) -> dict[str, str]:
    """Return the variables that make the callback plugin send events to a FIFO.

    Args:
        events: The path of the FIFO.
        terminal: The descriptor of a pipe. Only a process that prints to it sends
            events.
    """
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACK_PLUGINS),
        "ANSIBLE_STDOUT_CALLBACK": "fastdeploy",
        "FASTDEPLOY_EVENT_PIPE": str(events),
        "FASTDEPLOY_TERMINAL": str(os.fstat(terminal).st_ino),
    }

"""Add arguments to every ssh, sftp and scp that Ansible's ssh connection starts."""

import shlex
from collections.abc import Mapping, Sequence

#: The variable of each program, and its key in the section `ssh_connection` of
#: ansible.cfg.
_EXTRA = {
    "ANSIBLE_SSH_EXTRA_ARGS": "ssh_extra_args",
    "ANSIBLE_SFTP_EXTRA_ARGS": "sftp_extra_args",
    "ANSIBLE_SCP_EXTRA_ARGS": "scp_extra_args",
}
#: The section of ansible.cfg.
SECTION = "ssh_connection"


def extra_arguments(
    env: Mapping[str, str], configured: Mapping[str, str], options: Sequence[str]
) -> dict[str, str]:
    """Return the variables that give ssh further options.

    They come after all that the service sets in `ssh_args`, `ssh_common_args` or
    `ssh_extra_args`, since ssh uses the first value of an option.

    Args:
        env: The environment of ansible-playbook.
        configured: The section `ssh_connection` of its ansible.cfg.
        options: The options, each as `Name=value`.
    """
    words = " ".join(f"-o {shlex.quote(option)}" for option in options)
    return {
        variable: f"{env.get(variable) or configured.get(key, '')} {words}".strip()
        for variable, key in _EXTRA.items()
    }

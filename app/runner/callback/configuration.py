"""Restore Ansible's configuration, which the runner has changed for this process."""

from __future__ import annotations

import os
from pathlib import Path

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible.plugins.loader import callback_loader


def restore(plugin_folder: Path) -> None:
    """Remove the variables that the runner set for this process, which has read them.

    So tasks that call Ansible don't inherit them, and Ansible finds the callback
    plugins of ansible.cfg or of its default folders again, in addition to this one.
    """
    for name in os.environ.pop("FASTDEPLOY_TRANSIENT", "").split():
        os.environ.pop(name, None)
    configured = C.config.get_config_value(
        "DEFAULT_CALLBACK_PLUGIN_PATH", variables=vars(C)
    )
    callback_loader.config = configured
    # It also resets the loader's cached list of folders.
    callback_loader.add_directory(str(plugin_folder))

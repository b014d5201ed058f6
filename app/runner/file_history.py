"""Let a run report the content of the files that it changes, where that is allowed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from .ansible_cfg import Sections
from .definition import Definition
from .file_history_settings import SECRET_FILES
from .run_config import Events, RunConfig

_VARIABLE = "ANSIBLE_DIFF_ALWAYS"
_FALSE = frozenset({"n", "no", "off", "0", "false", "f", "0.0"})


@dataclass(frozen=True)
class FileHistoryChoice:
    """What applies to a run."""

    #: Why the versions of files aren't kept; empty if they are.
    reason: str = ""
    #: The variables of ansible-playbook.
    environment: Mapping[str, str] = field(default_factory=dict)

    def describe(self) -> str:
        """Return it for users; empty if it is what they expect."""
        return f", no file history ({self.reason})" if self.reason else ""


def choose(
    definition: Definition,
    launch: RunConfig,
    env: Mapping[str, str],
    configured: Sections,
) -> FileHistoryChoice:
    """Choose whether a run is in diff mode.

    A setting of the service itself comes first. The diffs of a run that was put into
    diff mode here aren't displayed.

    Args:
        definition: The service.
        launch: The deployment.
        env: The environment of ansible-playbook.
        configured: The sections of the ansible.cfg that applies.
    """
    settings = definition.file_history
    if launch.events is not Events.FASTDEPLOY or launch.options.get("check"):
        return FileHistoryChoice()
    exclude = [*SECRET_FILES, *settings.exclude]
    if not settings.kept:
        return FileHistoryChoice('"file_history": false')
    asked = bool(launch.options.get("diff"))
    theirs = env.get(_VARIABLE, configured.get("diff", {}).get("always"))
    if not asked and theirs is not None and theirs.strip().lower() in _FALSE:
        where = f"the environment sets {_VARIABLE}" if _VARIABLE in env else (
            "ansible.cfg sets always=no"
        )  # fmt: skip
        return FileHistoryChoice(where)
    quiet = not asked and theirs is None
    chosen = json.dumps({"exclude": exclude, "quiet": quiet})
    on = {_VARIABLE: "True"} if quiet else {}
    return FileHistoryChoice("", {**on, "FASTDEPLOY_FILE_HISTORY": chosen})

"""An action with a chosen result. Each handler that runs adds a line to a file."""

from pathlib import Path

from ansible.playbook.handler import Handler
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        failed = bool(self._task.args.get("failed", False))
        if isinstance(self._task, Handler) and not failed and not self._task.check_mode:
            line = f"{task_vars['inventory_hostname']}|{self._task.get_name()}\n"
            with Path(task_vars["playbook_dir"], "ran").open("a") as ran:
                ran.write(line)
        changed = bool(self._task.args.get("changed", True))
        return {"changed": changed and not failed, "failed": failed}

"""An action with a chosen result. Each handler that runs adds a line to a file.

If there is a file `fixed` beside the playbook, nothing fails, tasks change nothing, and
they add a line too: the host, the kind and the name.
"""

from pathlib import Path

from ansible.playbook.handler import Handler
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        folder = Path(task_vars["playbook_dir"])
        fixed = (folder / "fixed").exists()
        is_handler = isinstance(self._task, Handler)
        failed = bool(self._task.args.get("failed", False)) and not fixed
        host, name = task_vars["inventory_hostname"], self._task.get_name()
        if is_handler and not failed and not self._task.check_mode:
            with (folder / "ran").open("a") as ran:
                ran.write(f"{host}|{name}\n")
        elif fixed:
            with (folder / "ran").open("a") as ran:
                ran.write(f"{host}|task: {name}\n")
        changed = bool(self._task.args.get("changed", True)) and (
            is_handler or not fixed
        )
        return {"changed": changed and not failed, "failed": failed}

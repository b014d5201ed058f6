"""An action that prints text outside of every callback."""

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        Display().display(self._task.args["text"])
        return {"changed": False}

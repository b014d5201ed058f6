"""A callback of the repository: print how many results a run had."""

DOCUMENTATION = """
name: counted
type: aggregate
short_description: print how many results a run had
description: It prints one line at the end.
requirements: [enable in configuration]
"""

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "counted"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.results = 0

    def v2_runner_on_ok(self, result):
        self.results += 1

    def v2_playbook_on_stats(self, stats):
        self._display.display(f"counted {self.results} ok results")

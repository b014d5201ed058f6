"""A connection to a host that can never be reached; it needs no ssh."""

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
    name: nowhere
    short_description: Reaches nobody
    description: Fails on every connection.
    options: {}
"""


class Connection(ConnectionBase):
    transport = "nowhere"

    def _connect(self):
        raise AnsibleConnectionFailure("there is no such host")

    def exec_command(self, cmd, in_data=None, sudoable=True):
        self._connect()

    def put_file(self, in_path, out_path):
        self._connect()

    def fetch_file(self, in_path, out_path):
        self._connect()

    def close(self):
        pass

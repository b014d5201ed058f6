"""Run a playbook service: `python -m app.runner --service DIR --config FILE`.

A service of a project is run with `--project DIR --name NAME` instead of `--service`.
Without `--name`, as on a server, the config file names the service of the project.

Standard output is the journal: status lines and events in ansible-runner's format, and
text. The exit code is ansible-playbook's own; 254 if the run was canceled or exceeded
its timeout; 64 if it was refused, with one sentence that explains why.
"""

import sys

from . import early_start


def main() -> int:
    """Run the command line and return the exit code."""
    early = early_start.begin()
    try:
        # Python imports this module and Ansible at the same time.
        from . import command_line  # noqa: PLC0415

        return command_line.main(early)
    finally:
        early.discard()


if __name__ == "__main__":
    sys.exit(main())

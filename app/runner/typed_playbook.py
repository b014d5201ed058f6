"""Run ansible-playbook with what makes the runs of FastDeploy faster.

    python -P -m app.runner.typed_playbook ARGUMENT...

The recipes of the justfile, which people type, use it through `tools/bin`. Unlike a run
of FastDeploy, it asks prompts and records nothing.
"""

import runpy
import sys
from pathlib import Path

from .ansible_playbook import import_ansible


def main() -> None:
    """Run the ansible-playbook of this Python with the arguments of this program."""
    import_ansible(local_pipelining=True)
    sys.argv[0] = str(Path(sys.executable).with_name("ansible-playbook"))
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()

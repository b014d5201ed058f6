"""A child process of `fastdeploy up`: runs a command and stops when `up` ends.

`python -m app.up_child web` is `fastdeploy web` with a pipe from `up` as its stdin.
The kernel closes the pipe however `up` ends, also by SIGKILL.
"""

import os
import signal
import threading

from app import cli

_STDIN = 0


def main() -> None:
    """Run the command of our arguments until it ends, or until `up` does."""
    threading.Thread(target=_stop_after_up, daemon=True).start()
    cli.main()


def _stop_after_up() -> None:
    # Nothing is ever written to the pipe: this returns at its end.
    os.read(_STDIN, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()

"""A child process of `fastdeploy up`: run a command and stop when `up` ends.

`python -m app.up_child web` runs `fastdeploy web` with a pipe from `up` as its stdin.
The kernel closes the pipe when `up` ends, even by SIGKILL.
"""

import os
import signal
import threading

from app import cli

_STDIN = 0


def main() -> None:
    """Run the command in the arguments until it or `up` ends."""
    threading.Thread(target=_stop_after_up, daemon=True).start()
    cli.main()


def _stop_after_up() -> None:
    # Nothing is written to the pipe: the read returns when the pipe is closed.
    os.read(_STDIN, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()

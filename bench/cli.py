"""(j) The start of the command line, compared with that of ansible-playbook."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.rows import row

_BIN = Path(sys.executable).parent
_FASTDEPLOY = str(_BIN / "fastdeploy")
_BARE = [str(_BIN / "ansible-playbook"), "--version"]
_TIMES = 5
#: The completion of a command in bash, as typer's script asks for it.
_COMPLETION = {
    "_FASTDEPLOY_COMPLETE": "complete_bash",
    "COMP_WORDS": "fastdeploy dep",
    "COMP_CWORD": "1",
}
_CALLS: Mapping[str, tuple[Sequence[str], Mapping[str, str]]] = {
    "--help": ([_FASTDEPLOY, "--help"], {}),
    "--version": ([_FASTDEPLOY, "--version"], {}),
    "completion": ([_FASTDEPLOY], _COMPLETION),
}


def measure(rounds: int) -> list[Any]:
    """Measure the seconds of CPU, in turn, and their ratios."""
    spent: dict[str, list[float]] = {name: [] for name in _CALLS}
    bare = []
    for _ in range(rounds * _TIMES):
        bare.append(_cpu(_BARE, {}))
        for name, (command, env) in _CALLS.items():
            spent[name].append(_cpu(command, env))
    rows = []
    for name, seconds in spent.items():
        ratio = median(
            ours / theirs for ours, theirs in zip(seconds, bare, strict=True)
        )
        rows.append(
            row(
                f"CPU of fastdeploy {name}, compared with ansible-playbook --version",
                ratio,
                "at most 1.0, and at most 0.4 s",
                holds=ratio <= 1.0 and median(seconds) <= 0.4,
                seconds=round(median(seconds), 3),
                ansible_playbook=round(median(bare), 3),
            )
        )
    return rows


def _cpu(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Return the seconds of CPU that a command uses, on all cores."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        pid = os.posix_spawn(
            command[0], list(command), os.environ | env,
            file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)],
        )  # fmt: skip
    finally:
        os.close(null)
    _, status, used = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed")
    return used.ru_utime + used.ru_stime

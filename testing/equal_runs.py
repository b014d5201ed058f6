"""Compare what a playbook did by FastDeploy and by `ansible-playbook` as typed."""

import difflib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

#: What two runs of a playbook don't have in common, and the width of a banner.
_PASSING = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+|\d:\d\d:\d\d\.\d+|j?\d{10,12}\.\d+|\*{3,}"
    r"|ansible-(?:tmp|local)-[\w.-]+|/tmp\w{8}\b"
)


@dataclass(frozen=True)
class Result:
    """What a run of a playbook printed and wrote."""

    code: int
    lines: list[str]
    files: dict[str, bytes]


def taken(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, with their modes, and remove them."""
    found = {
        f"{path.relative_to(folder)} {path.stat().st_mode:o}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    shutil.rmtree(folder)
    return found


#: If ssh ends before it has read a module, Ansible gives it a millisecond to exit: then
#: it reports what ssh printed, otherwise the broken pipe.
_UNREACHABLE = re.compile(
    r"(?<=Data could not be sent to remote host ).*?over "
    r"(?:SSH: \[Errno 32\] Broken pipe|ssh: .*?Connection refused)"
)
#: Ansible names the hosts of an included file in the order of their results.
_INCLUDED = re.compile(r"(?<=included: )(.*? for )([\w, ]+)")


def read_lines(output: str, root: Path) -> list[str]:
    """Return the printed lines; within a task, timing decides the order of hosts.

    With `-vv`, Ansible prints the path of the playbook, which is absolute in a run, and
    the callbacks that FastDeploy's callback replaces and loads again.
    """
    tasks: list[list[str]] = [[]]
    for line in output.replace(f"{root}/", "").splitlines():
        if "Skipping callback" in line:
            continue
        if re.match(r"(PLAY|TASK|RUNNING HANDLER|PLAYBOOK)\b", line):
            tasks.append([])
        if line:
            common = _UNREACHABLE.sub("…", _PASSING.sub("…", line))
            tasks[-1].append(_INCLUDED.sub(_in_order, common))
    return [line for task in tasks for line in (task[:1] + sorted(task[1:]))]


def _in_order(included: re.Match[str]) -> str:
    return included[1] + ", ".join(sorted(included[2].split(", ")))


def assert_equal(expected: Result, found: Result) -> None:
    """Require the same output, exit code and files; the difference is shown."""
    difference = list(
        difflib.unified_diff(expected.lines, found.lines, "typed", "run", n=0)
    )
    assert difference == []
    assert found == expected

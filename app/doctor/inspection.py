"""Inspect this host: files, processes, and what sudo allows.

The functions only read. They report as hidden what this user may not see, and as None
what is missing.
"""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from app.accounts import Account, account
from app.doctor.facts import File, ProcessFacts, SudoRules
from app.runner.stop import MARK

#: Timeout of sudo in seconds; it may query a directory service.
_PATIENCE = 10
_LISTED = re.compile(r"^ {4}(\(.*(?:\n {5,}.*)*)", re.MULTILINE)


def look(path: Path) -> File:
    """Inspect a file and its parent folders, by name and with links resolved."""
    path = path.absolute()
    folders = [*path.parents]
    with suppress(OSError):
        folders += [f for f in path.resolve().parents if f not in folders]
    return _look(path, tuple(map(_look, folders)))


def _look(path: Path, above: tuple[File, ...] = ()) -> File:
    try:
        found = path.stat()
    except PermissionError:
        return File(path, hidden=True, above=above)
    except OSError:
        return File(path, above=above)
    return File(path, found.st_mode, found.st_uid, found.st_gid, above=above)


def owner(var: Path) -> Account:
    """Return FastDeploy's user: this one, or for root the owner of its folder.

    The findings then apply to FastDeploy also if an administrator calls it as root.
    """
    uid = os.geteuid()
    if uid == 0:
        with suppress(OSError):
            uid = var.stat().st_uid
    try:
        found = account(pwd.getpwuid(uid).pw_name)
    except KeyError:
        found = None
    return found or Account(str(uid), uid, frozenset(os.getgroups()))


def process(pid: int, folder: Path) -> ProcessFacts | None:
    """Inspect a process, and whether its view of a folder differs from process 1's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    said = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    gids = {*map(int, said["Groups"].split()), int(said["Gid"].split()[1])}
    here, there = (_backing(number, folder) for number in (pid, 1))
    return ProcessFacts(
        pid,
        no_new_privileges=said.get("NoNewPrivs", "0").strip() == "1",
        gids=frozenset(gids),
        private_folder=None if None in (here, there) else here != there,
    )


def locker(path: Path) -> int | None:
    """Return the pid that holds a file's lock, as a worker locks its folder's."""
    try:
        file = path.stat()
        locks = Path("/proc/locks").read_text()
    except OSError:
        return None
    for line in locks.splitlines():
        _, kind, _, access, pid, place, *_ = line.split()
        # The device isn't compared: overlayfs and btrfs report a different one here.
        if (kind, access, place.rpartition(":")[2]) == (
            "FLOCK", "WRITE", str(file.st_ino)
        ):  # fmt: skip
            with suppress(OSError):
                if Path(f"/proc/{pid}").stat().st_uid == file.st_uid:
                    return int(pid)
    return None


def sudo_rules(user: Account) -> SudoRules:
    """Return sudo's rules for a user; only root can query another user than itself."""
    of_user = ["-U", user.name] if os.geteuid() == 0 else []
    code, said, complaint = _sudo("-l", *of_user)
    if code:
        return SudoRules((), refusal=complaint.removeprefix("sudo: ").rstrip("."))
    return SudoRules(listed(said), keeps_mark=bool(re.search(rf"\b{MARK}\b", said)))


def listed(said: str) -> tuple[str, ...]:
    """Parse the rules from `sudo -l`, which wraps long ones."""
    return tuple(" ".join(rule.split()) for rule in _LISTED.findall(said))


def sudo_finds(run_as: str, command: Iterable[str]) -> bool | None:
    """Return whether sudo finds a program hidden from this user; None if unknown."""
    code, _, complaint = _sudo("-u", run_as, "-l", *command)
    if code:
        return False if "command not found" in complaint else None
    return True


def _sudo(*arguments: str) -> tuple[int, str, str]:
    """Run sudo; return its exit code, its output and the first line of its error."""
    program = shutil.which("sudo")
    if program is None:
        return 1, "", "it is not installed"
    try:
        done = subprocess.run(
            [program, "-n", *arguments], env={"LC_ALL": "C", "PATH": os.defpath},
            check=False, capture_output=True, text=True, errors="replace",
            stdin=subprocess.DEVNULL, timeout=_PATIENCE,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, "", str(error)
    complaint = done.stderr.strip() or done.stdout.strip()
    return done.returncode, done.stdout, complaint.partition("\n")[0]


def _backing(pid: int, folder: Path) -> tuple[str, Path] | None:
    """Return the device and path behind a folder of a process; None if hidden."""
    try:
        mounts = Path(f"/proc/{pid}/mountinfo").read_text()
    except OSError:
        return None
    return backing(mounts, folder)


def backing(mounts: str, folder: Path) -> tuple[str, Path] | None:
    """Return the device and path behind a folder, from a mountinfo file (proc(5))."""
    found: tuple[int, str, Path] | None = None
    for line in mounts.splitlines():
        _, _, device, root, mounted, *_ = line.split()
        # Of several mounts on one path, the last one is visible.
        if folder.is_relative_to(mounted) and (
            found is None or len(mounted) >= found[0]
        ):
            place = Path(root) / folder.relative_to(mounted)
            found = len(mounted), device, place
    return found[1:] if found else None

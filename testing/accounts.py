"""Accounts of the operating system, for tests that run as root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Throw-away accounts; the number keeps two test runs on one machine apart.
DEPLOY = f"fdtest{os.getpid() % 100_000}"
READERS = f"fdread{os.getpid() % 100_000}"


@contextmanager
def account(home: Path) -> Iterator[None]:
    """A user, and a group that only they are in."""
    subprocess.run(["groupadd", "--system", READERS], check=True)
    try:
        subprocess.run(
            ["useradd", "--system", "--create-home", "--home-dir", home,
             "--groups", READERS, "--shell", "/usr/sbin/nologin", DEPLOY], check=True,
        )  # fmt: skip
        try:
            yield
        finally:
            subprocess.run(["userdel", DEPLOY], check=True)
    finally:
        subprocess.run(["groupdel", READERS], check=True)

"""Look up users and groups of this host."""

import grp
import os
import pwd
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """A user, with every group that they are in."""

    name: str
    uid: int
    gids: frozenset[int]


def account(name: str) -> Account | None:
    """A user of this host, with every group that they are in."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    gids = frozenset(os.getgrouplist(name, found.pw_gid))
    return Account(name, found.pw_uid, gids)


def home(name: str) -> Path:
    """A user's home, or where it usually would be."""
    with suppress(KeyError):
        return Path(pwd.getpwnam(name).pw_dir)
    return Path("/home", name)


def group(name: str) -> int | None:
    """The number of a group."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None

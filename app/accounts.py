"""Look up users and groups of this host."""

import grp
import os
import pwd
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """A user with the ids of all their groups."""

    name: str
    uid: int
    gids: frozenset[int]


def account(name: str) -> Account | None:
    """Return a user of this host with all their groups; None if there is none."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    gids = frozenset(os.getgrouplist(name, found.pw_gid))
    return Account(name, found.pw_uid, gids)


def home(name: str) -> Path:
    """Return a user's home, or the usual path for an unknown user."""
    with suppress(KeyError):
        return Path(pwd.getpwnam(name).pw_dir)
    return Path("/home", name)


def group(name: str) -> int | None:
    """Return the id of a group; None if there is none."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None

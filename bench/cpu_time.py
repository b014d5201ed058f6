"""The CPU time of processes and of their PostgreSQL connections.

It is comparable on a busy machine, where the duration says nothing.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import text

from app.store.store import Store


def of_process() -> float:
    """Return the CPU seconds of this process."""
    return time.process_time()


def of_connection(store: Store) -> float:
    """Return the CPU seconds of the one connection that a process of one thread has.

    PostgreSQL must run on this machine.
    """
    with store.begin() as db:
        pid = db.scalar(text("SELECT pg_backend_pid()"))
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def of_processes(pids: Iterable[int]) -> float:
    """Return the CPU seconds of all threads that these processes have now.

    It is exact to the microsecond, unlike `/proc/PID/stat`.
    """
    tasks = (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def pids_of_connections(store: Store) -> list[int]:
    """Return the processes of PostgreSQL that serve other processes than this one."""
    query = text(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with store.begin() as db:
        return list(db.scalars(query))

"""The CPU time of this process and of its PostgreSQL connection.

It is comparable on a busy machine, where the duration says nothing.
"""

import os
import time
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

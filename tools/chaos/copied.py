"""Start a worker with a copy of another worker's folder, like a cloned machine."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from app.settings import PREFIX, Settings

#: Seconds within which a worker with a copy must refuse to start.
_REFUSES_IN = 30.0


def original_works(settings: Settings) -> bool:
    """Return whether the worker is ready: only then, a copy must be refused."""
    try:
        with psycopg.connect(settings.database) as db:
            found = db.execute(
                "SELECT 1 FROM nodes WHERE stopped_at IS NULL"
                " AND heartbeat_at > now() - interval '4 s'"
                " AND started_at < now() - interval '4 s'"
            )
            return found.fetchone() is not None
    except psycopg.OperationalError:
        return False


def is_refused(settings: Settings) -> bool:
    """Start a worker with a copy of `var/`; return whether it refused to start."""
    with tempfile.TemporaryDirectory(prefix="fastdeploy-copy-") as made:
        copy = Path(made) / "var"
        kept = shutil.ignore_patterns("runs", "postgresql*", "*.lock", "*.sock")
        shutil.copytree(settings.var, copy, ignore=kept)
        environment = os.environ | {
            f"{PREFIX}DATABASE_URL": settings.database,
            f"{PREFIX}VAR": str(copy),
            f"{PREFIX}SERVICES": str(settings.services),
            f"{PREFIX}CONFIG_FOLDER": str(settings.config_folder),
        }
        worker = subprocess.Popen(
            [sys.executable, "-m", "app", "worker"],
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        try:
            return worker.wait(_REFUSES_IN) != 0
        except subprocess.TimeoutExpired:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            return False

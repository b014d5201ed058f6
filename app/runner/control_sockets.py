"""End the connections that ssh keeps open for later commands (ControlPersist).

Such a process outlives the ssh that started it, and serves every later ssh with the
same path without a key. It also overwrites its environment, so it has no mark of its
run. So each run has a folder of its own for these sockets.
"""

import socket
import struct
import time
from contextlib import suppress
from pathlib import Path

# The protocol of the sockets: PROTOCOL.mux of OpenSSH.
_HELLO = struct.pack(">III", 8, 0x00000001, 4)
_TERMINATE = struct.pack(">III", 8, 0x10000005, 0)
#: Seconds for one process to answer, and for all of them to end.
_PATIENCE = 2.0
_TICK = 0.005


def end_all(folder: Path) -> None:
    """End every process that listens on a socket in a folder."""
    asked = [path for path in _sockets(folder) if _ask_to_end(path)]
    deadline = time.monotonic() + _PATIENCE
    # It removes its socket when it ends.
    while any(path.exists() for path in asked) and time.monotonic() < deadline:
        time.sleep(_TICK)


def _sockets(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [path for path in folder.iterdir() if path.is_socket()]
    return []


def _ask_to_end(path: Path) -> bool:
    """Ask the process at a socket to end; return False if there is none."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PATIENCE)
        connection.connect(str(path))
        connection.sendall(_HELLO + _TERMINATE)
        # Its own hello, and its answer: it ends after it has sent that.
        while connection.recv(4096):
            pass
        return True
    return False

"""Send the entries of the audit log to syslog, each at least once and in their order.

Of all nodes, one sends at a time: it has locked the row with the place of the last
entry that was sent. Another system then has the log too, and the hashes in it show
whether somebody computed the chain again.
"""

import asyncio
import json
import logging
import sys
from logging.handlers import SysLogHandler
from typing import NoReturn

from sqlalchemy import select, update

from app.domain.audit import AuditEntry
from app.errors import Unavailable
from app.log import get
from app.store import audit
from app.store.access_tables import audit_forwarding
from app.store.store import Store

log = get("worker")

#: Seconds between searches for new entries.
LOOK_EVERY = 2.0
#: Entries that are sent in one transaction.
BATCH = 100
#: Bytes of a message; syslog daemons and datagram sockets take at least this much.
_MAX_MESSAGE = 8_000


class AuditSyslog:
    """Sends new entries until it is canceled."""

    def __init__(self, store: Store, address: str) -> None:
        """`address` is the path of a socket, or `udp://HOST:PORT`."""
        self._store = store
        self._address = _parse(address)

    async def run(self) -> None:
        """Send entries until canceled; a failure is logged, and tried again."""
        while True:
            try:
                while await asyncio.to_thread(self.send_some) == BATCH:
                    pass
            except (Unavailable, OSError) as error:
                log.warning("audit.not_sent", error=str(error))
            await asyncio.sleep(LOOK_EVERY)

    def send_some(self) -> int:
        """Send up to BATCH entries; return their number, 0 if another node sends.

        Raises OSError if the syslog daemon doesn't accept one.
        """
        with self._store.begin() as db:
            sent = db.scalar(
                select(audit_forwarding.c.number).with_for_update(skip_locked=True)
            )
            if sent is None:
                return 0
            entries = list(audit.chain(db, sent, BATCH))
            if not entries:
                return 0
            self._send(entries)
            last = entries[-1].chain_number
            db.execute(update(audit_forwarding).values(number=last))
            return len(entries)

    def _send(self, entries: list[AuditEntry]) -> None:
        handler = _RaisingHandler(self._address, SysLogHandler.LOG_AUTHPRIV)
        handler.ident = "fastdeploy-audit: "
        try:
            for entry in entries:
                record = {"msg": message(entry), "levelname": "INFO"}
                handler.handle(logging.makeLogRecord(record))
        finally:
            handler.close()


class _RaisingHandler(SysLogHandler):
    def handleError(self, record: logging.LogRecord) -> NoReturn:  # noqa: N802 - of logging
        """Raise the error of `emit`, which logging would only print."""
        raise sys.exception() or OSError(f"not sent: {record.msg}")


def _parse(address: str) -> str | tuple[str, int]:
    if address.startswith("/"):
        return address
    host, _, port = address.removeprefix("udp://").rpartition(":")
    return host, int(port)


def message(entry: AuditEntry) -> str:
    """Return an entry as a line of JSON; changes that are too long are left out."""
    content = entry.as_json()
    line = json.dumps(content)
    if len(line) > _MAX_MESSAGE:
        line = json.dumps(content | {"changes": "too long for syslog"})
    return line

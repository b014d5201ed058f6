"""The engine: how FastDeploy connects to PostgreSQL."""

from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine

from app.settings import Settings

#: Seconds to wait for a connection before saying that the database doesn't answer.
CONNECT_TIMEOUT = 5
#: Seconds that a transaction waits for one of the pool's connections to get free.
POOL_TIMEOUT = 10
#: How every connection is kept. A host that is gone says nothing: without these, one
#: would wait for its answer for hours, and for minutes to be refused.
PATIENT: dict[str, Any] = {
    "connect_timeout": CONNECT_TIMEOUT,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

#: What the driver raises when PostgreSQL is gone or its disk is full. Where it is
#: used directly, as for COPY, nobody puts it into SQLAlchemy's errors.
OUTAGE = (psycopg.OperationalError, psycopg.InterfaceError)


def make_engine(
    settings: Settings, *, connections: int, statement_seconds: int = 0
) -> Engine:
    """Return an engine with a pool of up to `connections`; it connects when used.

    PostgreSQL ends a statement that takes longer than `statement_seconds`; 0 is for as
    long as it takes.
    """
    return create_engine(
        settings.database.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=connections,
        max_overflow=4,
        pool_timeout=POOL_TIMEOUT,
        pool_pre_ping=True,
        connect_args={
            **PATIENT,
            "application_name": "fastdeploy",
            "options": f"-c timezone=UTC -c statement_timeout={statement_seconds}s",
        },
    )

"""The SQLAlchemy engine: connections to PostgreSQL and their timeouts."""

from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine

from app.settings import Settings

#: Timeout in seconds for a new connection to PostgreSQL.
CONNECT_TIMEOUT = 5
#: Timeout in seconds for a free connection of the pool.
POOL_TIMEOUT = 10
#: Timeouts of every connection. Without these, a process would wait for hours for an
#: answer of a host that is gone, and for minutes to connect to it.
PATIENT: dict[str, Any] = {
    "connect_timeout": CONNECT_TIMEOUT,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

#: The driver's errors if PostgreSQL is unavailable or its disk is full. If the driver
#: is used directly, as for COPY, SQLAlchemy doesn't wrap them.
OUTAGE = (psycopg.OperationalError, psycopg.InterfaceError)


def make_engine(
    settings: Settings, *, connections: int, statement_seconds: int = 0
) -> Engine:
    """Return an engine that connects on first use.

    Args:
        settings: The settings with the database's URL.
        connections: Size of the pool; up to 4 more are opened temporarily.
        statement_seconds: Timeout of a statement in seconds; 0 for none.
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

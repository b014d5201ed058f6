"""The engine: how FastDeploy connects to PostgreSQL."""

from sqlalchemy import Engine, create_engine

from app.settings import Settings

#: Seconds to wait for a connection before saying that the database doesn't answer.
CONNECT_TIMEOUT = 5


def make_engine(settings: Settings, *, connections: int) -> Engine:
    """Return an engine with a pool of up to `connections`; it connects when used."""
    return create_engine(
        settings.database.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=connections,
        max_overflow=4,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT,
            "application_name": "fastdeploy",
            "options": "-c timezone=UTC",
        },
    )

"""Report changes of sessions, tokens and roles to the web processes."""

from sqlalchemy import Connection, func, select

#: NOTIFY channel for sessions, tokens or roles that were revoked or changed.
CHANNEL = "fastdeploy_access"


def notify(db: Connection) -> None:
    """Make every web process check its open streams again after the commit."""
    db.execute(select(func.pg_notify(CHANNEL, "")))

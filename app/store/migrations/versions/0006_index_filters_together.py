"""Indexes for every combination of the history's filters, and for its times.

Each goes on with the deployment's number, so that a page is read from its end. As in
0005, nothing can be launched while these are made, some seconds for each million
deployments. The release before this one runs on: what it asks for by one or two
columns is found by these too, though not in order.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FRESH: tuple[tuple[str, ...], ...] = (
    ("service_id", "actor", "status", "origin", "id"),
    ("service_id", "status", "origin", "id"),
    ("actor", "status", "origin", "id"),
    ("status", "origin", "id"),
    ("created_at",),
)
#: What the fresh ones answer as well.
STALE: tuple[tuple[str, ...], ...] = (
    ("status", "id"),
    ("actor", "id"),
    ("actor", "status", "id"),
    ("origin", "id"),
)


def upgrade() -> None:
    for columns in FRESH:
        op.create_index(_name(columns), "deployments", list(columns))
    for columns in STALE:
        op.drop_index(_name(columns), "deployments")


def _name(columns: tuple[str, ...]) -> str:
    return f"ix_deployments_{'_'.join(columns)}"

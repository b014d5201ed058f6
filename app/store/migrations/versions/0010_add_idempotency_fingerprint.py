"""The fingerprint of the request that an idempotency key came with.

A key belongs to an actor from now on. The release before this one runs on: it finds
keys in the same column, and keeps their requests apart with advisory locks. The keys
that it stores have no fingerprint, so a request that is repeated during the update
still launches once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deployments", sa.Column("fingerprint", sa.LargeBinary()))
    op.drop_constraint("uq_deployments_launch_key", "deployments")
    op.create_index(
        "uq_deployments_actor_launch_key",
        "deployments",
        ["actor", "launch_key"],
        unique=True,
        postgresql_where=sa.text("launch_key IS NOT NULL"),
    )

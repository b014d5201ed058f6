"""The owner of an idempotency key: a user or a token by its id, not by its name.

The release before this one runs on. It stores keys without an owner, which belong to
the name of the actor; both releases lock a key by this name. A request of this release
that is repeated at the release before is refused, since that makes other fingerprints.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deployments", sa.Column("key_owner", sa.Text))
    op.create_index(
        "uq_deployments_key_owner_launch_key",
        "deployments",
        [sa.text("coalesce(key_owner, actor)"), "launch_key"],
        unique=True,
        postgresql_where=sa.text("launch_key IS NOT NULL"),
    )
    op.drop_index("uq_deployments_actor_launch_key", "deployments")

"""Indexes for a long history: by status, by who asked, and by where it was asked.

All migrations are one transaction, in which PostgreSQL makes no index concurrently: a
release either has all of its schema or none of it. For as long as these are made, some
seconds for each million deployments, the list can be read and nothing be launched.

The release before this one runs on: `service_id, status, id` answers what
`ix_deployments_successful` did.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_deployments_service_id_status_id",
        "deployments",
        ["service_id", "status", "id"],
    )
    op.create_index("ix_deployments_status_id", "deployments", ["status", "id"])
    op.create_index("ix_deployments_actor_id", "deployments", ["actor", "id"])
    op.create_index(
        "ix_deployments_actor_status_id", "deployments", ["actor", "status", "id"]
    )
    op.create_index("ix_deployments_origin_id", "deployments", ["origin", "id"])
    op.drop_index("ix_deployments_successful", "deployments")

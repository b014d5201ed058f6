"""The event up to which the versions of a deployment's files are recorded.

The release before this one runs on: it records versions with the events.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deployments", sa.Column("versions_through", sa.Integer))
    op.create_index(
        "ix_file_versions_deployment_number", "file_versions", ["deployment", "number"]
    )
    op.drop_index("ix_file_versions_deployment", table_name="file_versions")

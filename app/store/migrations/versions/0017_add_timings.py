"""The seconds of task results, and where the time of each deployment went.

The release before this one runs on: it writes events without `seconds`, and ends
deployments without a row in `timings`. The pages then show less.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("seconds", sa.Double))
    op.create_table(
        "timings",
        sa.Column("deployment_id", sa.BigInteger, nullable=False),
        sa.Column("profile", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", name="pk_timings"),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name="fk_timings_deployment_id_deployments",
            ondelete="CASCADE",
        ),
    )

"""Indexes for a deployment's page: results by host, and the outline of a run.

Both are partial: a line of output costs nothing more to record, and of Ansible's events
only results and the beginnings of tasks do. A table of five million events takes some
seconds for each; recording waits for that long and goes on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_events_results",
        "events",
        ["deployment_id", "host", "number"],
        postgresql_where=sa.text("host IS NOT NULL AND result IS NOT NULL"),
    )
    op.create_index(
        "ix_events_outline",
        "events",
        ["deployment_id", "name", "number"],
        postgresql_where=sa.text(
            "name IN ('playbook_on_task_start', 'playbook_on_stats')"
        ),
    )

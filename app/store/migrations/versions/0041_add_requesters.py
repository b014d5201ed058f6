"""Who determined what schedules, and deliveries that somebody repeated, launch.

Until now, that was the name of who created a schedule. The release before this one
runs on: it stores that name only.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

# A name is that of a user ("ada"), of a user with a personal token ("ada (ci, token)"),
# of a token for machines ("ci (token)"), or of a user of the host ("ada (host)"), who
# might be the same person.
_KNOWN = """
    UPDATE {table} SET requesters = array_remove(ARRAY[
        (SELECT 'user:' || users.id FROM users
         WHERE users.name IN ({name}, split_part({name}, ' (', 1)) LIMIT 1),
        (SELECT 'token:' || tokens.id FROM tokens
         WHERE tokens.name || ' (token)' = {name} AND tokens.user_id IS NULL
         AND tokens.revoked_at IS NULL LIMIT 1),
        CASE WHEN {name} LIKE '% (host)' THEN 'host:' || left({name}, -7) END
    ], NULL)
    WHERE {name} <> ''
"""


def upgrade() -> None:
    for table in ("schedules", "approvals"):
        op.add_column(
            table,
            sa.Column(
                "requesters", ARRAY(sa.Text), nullable=False, server_default="{}"
            ),
        )
    for table, name in (
        ("schedules", "schedules.created_by"),
        ("approvals", "approvals.schedule_creator"),
    ):
        op.execute(_KNOWN.format(table=table, name=name))
    for table, column in (
        ("schedules", "changed_by"),
        ("webhook_deliveries", "redelivered_by"),
    ):
        op.add_column(
            table, sa.Column(column, sa.Text, nullable=False, server_default="")
        )

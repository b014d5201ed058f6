"""Totals of ended deployments, the lag of followers, and the pings of schedules.

The release before this one runs on. What its workers end after this migration isn't in
the totals.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

#: Counts what has ended until now. The bounds are those of app/domain/totals.py; 0 is
#: for deployments that never started.
FILL = """\
INSERT INTO deployment_totals
    (service_id, status, at_most, count, seconds, last_complete_at)
SELECT service_id, status, at_most, count(*), coalesce(sum(seconds), 0),
    max(finished_at) FILTER (WHERE NOT partial)
FROM (
    SELECT service_id, status, finished_at, partial, seconds,
        CASE
            WHEN seconds IS NULL THEN 0
            WHEN seconds <= 1 THEN 1
            WHEN seconds <= 5 THEN 5
            WHEN seconds <= 15 THEN 15
            WHEN seconds <= 30 THEN 30
            WHEN seconds <= 60 THEN 60
            WHEN seconds <= 120 THEN 120
            WHEN seconds <= 300 THEN 300
            WHEN seconds <= 600 THEN 600
            WHEN seconds <= 1800 THEN 1800
            WHEN seconds <= 3600 THEN 3600
            WHEN seconds <= 10800 THEN 10800
            ELSE 'Infinity'::double precision
        END AS at_most
    FROM (
        SELECT service_id, status, finished_at, partial,
            CASE WHEN started_at IS NOT NULL THEN greatest(
                extract(epoch FROM finished_at - started_at), 0
            ) END AS seconds
        FROM deployments
        WHERE finished_at IS NOT NULL
    ) AS ended
) AS sorted
GROUP BY service_id, status, at_most
"""


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "deployment_totals",
        sa.Column(
            "service_id",
            sa.BigInteger,
            sa.ForeignKey(
                "services.id", name="fk_deployment_totals_service_id_services"
            ),
            nullable=False,
        ),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("at_most", sa.Double, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("last_complete_at", moment),
        sa.PrimaryKeyConstraint(
            "service_id", "status", "at_most", name="pk_deployment_totals"
        ),
    )
    op.execute(FILL)
    op.add_column(
        "nodes",
        sa.Column("lag_bytes", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.add_column(
        "nodes",
        sa.Column("lag_seconds", sa.Double, nullable=False, server_default="0"),
    )
    op.add_column("schedules", sa.Column("healthcheck", sa.LargeBinary))
    op.add_column(
        "schedules",
        sa.Column("ping_problem", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "pings",
        sa.Column(
            "deployment_id",
            sa.BigInteger,
            sa.ForeignKey(
                "deployments.id",
                ondelete="CASCADE",
                name="fk_pings_deployment_id_deployments",
            ),
            nullable=False,
        ),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column(
            "schedule_id",
            sa.BigInteger,
            sa.ForeignKey(
                "schedules.id",
                ondelete="CASCADE",
                name="fk_pings_schedule_id_schedules",
            ),
            nullable=False,
        ),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("created_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("due_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("sent_at", moment),
        sa.PrimaryKeyConstraint("deployment_id", "kind", name="pk_pings"),
    )
    op.create_index("ix_pings_schedule_id", "pings", ["schedule_id"])

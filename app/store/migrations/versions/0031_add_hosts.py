"""Hosts: what ran on them, which version they run, and their facts.

The release before this one runs on: it records runs without rows in these tables. They
are filled by the next runs, not from recorded deployments.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_hosts()
    _create_host_services()
    _create_host_deployments()
    _create_host_fact_changes()


def _create_hosts() -> None:
    op.create_table(
        "hosts",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("groups", ARRAY(sa.Text), nullable=False, server_default="{}"),
        sa.Column("facts", sa.JSON),
        sa.Column("facts_at", _MOMENT),
        sa.Column("facts_deployment", sa.BigInteger),
        sa.Column("searched", sa.Text, nullable=False, server_default=""),
        sa.Column("status", sa.Text),
        sa.Column("last_at", _MOMENT),
        sa.Column("last_deployment", sa.BigInteger),
        sa.Column("created_at", _MOMENT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_hosts"),
        sa.UniqueConstraint("scope", "name", name="uq_hosts_scope_name"),
    )
    op.create_index("ix_hosts_name_scope", "hosts", ["name", "scope"])


def _create_host_services() -> None:
    op.create_table(
        "host_services",
        sa.Column("host_id", sa.BigInteger, nullable=False),
        sa.Column("service_id", sa.BigInteger, nullable=False),
        sa.Column("named", sa.Boolean),
        sa.Column("status", sa.Text),
        sa.Column("at", _MOMENT),
        sa.Column("deployment", sa.BigInteger),
        sa.Column("version", sa.Text, nullable=False, server_default=""),
        sa.Column("version_deployment", sa.BigInteger),
        sa.Column("last_ok", sa.BigInteger),
        sa.Column("last_changed", sa.BigInteger),
        sa.Column("last_failed", sa.BigInteger),
        sa.Column("last_unreachable", sa.BigInteger),
        sa.PrimaryKeyConstraint("host_id", "service_id", name="pk_host_services"),
        _of_host("host_services"),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["services.id"],
            name="fk_host_services_service_id_services",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_host_services_service_id_host_id",
        "host_services",
        ["service_id", "host_id"],
    )


def _create_host_deployments() -> None:
    op.create_table(
        "host_deployments",
        sa.Column("host_id", sa.BigInteger, nullable=False),
        sa.Column("deployment_id", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "host_id", "deployment_id", name="pk_host_deployments"
        ),
        _of_host("host_deployments"),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name="fk_host_deployments_deployment_id_deployments",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_host_deployments_deployment_id", "host_deployments", ["deployment_id"]
    )


def _create_host_fact_changes() -> None:
    op.create_table(
        "host_fact_changes",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("host_id", sa.BigInteger, nullable=False),
        sa.Column("deployment", sa.BigInteger, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("before", sa.JSON, nullable=False),
        sa.Column("after", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_host_fact_changes"),
        _of_host("host_fact_changes"),
    )
    op.create_index(
        "ix_host_fact_changes_host_id_id", "host_fact_changes", ["host_id", "id"]
    )


def _of_host(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["host_id"],
        ["hosts.id"],
        name=f"fk_{table}_host_id_hosts",
        ondelete="CASCADE",
    )

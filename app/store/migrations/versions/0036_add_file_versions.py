"""The versions of the files that runs change on hosts.

The release before this one runs on: it records runs without rows in these tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("host_id", sa.BigInteger, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.UniqueConstraint("host_id", "path", name="uq_files_host_id_path"),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["hosts.id"],
            name="fk_files_host_id_hosts",
            ondelete="CASCADE",
        ),
    )
    _create_versions()


def _create_versions() -> None:
    op.create_table(
        "file_versions",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("file_id", sa.BigInteger, nullable=False),
        sa.Column("service_id", sa.BigInteger, nullable=False),
        sa.Column("deployment", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("since", _MOMENT),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False, server_default=""),
        sa.Column("content", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_file_versions"),
        *(
            sa.ForeignKeyConstraint(
                [f"{name}_id"],
                [f"{name}s.id"],
                name=f"fk_file_versions_{name}_id_{name}s",
                ondelete="CASCADE",
            )
            for name in ("file", "service")
        ),
    )
    for columns in (["file_id", "id"], ["deployment"], ["service_id"]):
        op.create_index(
            f"ix_file_versions_{'_'.join(columns)}", "file_versions", columns
        )
    op.create_index(
        "ix_file_versions_outside",
        "file_versions",
        ["file_id", "id"],
        postgresql_where=sa.text("kind = 'outside'"),
    )

"""Teams, and grants of users, teams and tokens on services.

The release before this one ignores them: it knows no user with the role `member` and
no limited token, which only this release creates.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "teams",
        _id(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_teams"),
        sa.UniqueConstraint("name", name="uq_teams_name"),
    )
    op.create_table(
        "team_members",
        sa.Column("team_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("team_id", "user_id", name="pk_team_members"),
        _reference("team_members", "team"),
        _reference("team_members", "user"),
    )
    op.create_index("ix_team_members_user_id", "team_members", ["user_id"])
    op.create_table(
        "grants",
        _id(),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("team_id", sa.BigInteger),
        sa.Column("token_id", sa.BigInteger),
        sa.Column("permission", sa.Text, nullable=False),
        sa.Column("services", sa.Text, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        *(_reference("grants", subject) for subject in ("user", "team", "token")),
        sa.CheckConstraint(
            "num_nonnulls(user_id, team_id, token_id) = 1", name="ck_grants_subject"
        ),
    )
    for subject in ("user", "team", "token"):
        op.create_index(
            f"uq_grants_{subject}_id",
            "grants",
            [f"{subject}_id", "permission", "services"],
            unique=True,
        )
    op.add_column(
        "tokens",
        sa.Column("limited", sa.Boolean, nullable=False, server_default="false"),
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False)


def _reference(table: str, subject: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [f"{subject}_id"],
        [f"{subject}s.id"],
        name=f"fk_{table}_{subject}_id_{subject}s",
        ondelete="CASCADE",
    )

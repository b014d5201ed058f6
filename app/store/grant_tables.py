"""The tables of teams and grants."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, Text

from app.store.metadata import created_column, id_column, metadata

teams = Table(
    "teams",
    metadata,
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    created_column(),
)

team_members = Table(
    "team_members",
    metadata,
    Column("team_id", ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True,
           index=True),
)  # fmt: skip

# A grant is of a user, of a team or of a token. `services` is a pattern of names, which
# may match services that don't exist yet.

grants = Table(
    "grants",
    metadata,
    id_column(),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE")),
    Column("team_id", ForeignKey("teams.id", ondelete="CASCADE")),
    Column("token_id", ForeignKey("tokens.id", ondelete="CASCADE")),
    Column("permission", Text, nullable=False),
    Column("services", Text, nullable=False),
    created_column(),
    Column("created_by", Text, nullable=False),
    CheckConstraint("num_nonnulls(user_id, team_id, token_id) = 1", name="subject"),
    *(
        Index(f"uq_grants_{subject}_id", f"{subject}_id", "permission", "services",
              unique=True)
        for subject in ("user", "team", "token")
    ),
)  # fmt: skip

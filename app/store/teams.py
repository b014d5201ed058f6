"""Teams of users in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert

from app.store import access_changes
from app.store.access_tables import users
from app.store.grant_tables import team_members, teams


@dataclass(frozen=True, slots=True)
class Team:
    """A team with the sorted names of its members."""

    id: int
    name: str
    members: tuple[str, ...]


def add(db: Connection, name: str) -> int:
    """Insert a team; return its id. Raises IntegrityError if the name is taken."""
    number: int = db.execute(
        insert(teams).values(name=name).returning(teams.c.id)
    ).scalar_one()
    return number


def remove(db: Connection, team_id: int) -> None:
    """Remove a team with its grants."""
    db.execute(delete(teams).where(teams.c.id == team_id))
    access_changes.notify(db)


def add_member(db: Connection, team_id: int, user_id: int) -> bool:
    """Add a user to a team; return False if they are a member already."""
    added = db.scalar(
        upsert(team_members)
        .values(team_id=team_id, user_id=user_id)
        .on_conflict_do_nothing()
        .returning(team_members.c.user_id)
    )
    access_changes.notify(db)
    return added is not None


def remove_member(db: Connection, team_id: int, user_id: int) -> bool:
    """Remove a user from a team; return False if they aren't a member."""
    removed = db.execute(
        delete(team_members).where(
            team_members.c.team_id == team_id, team_members.c.user_id == user_id
        )
    )
    access_changes.notify(db)
    return removed.rowcount > 0


def list_teams(db: Connection, name: str | None = None) -> Sequence[Team]:
    """Return all teams, or the one with a name, sorted by name."""
    members = func.array_agg(aggregate_order_by(users.c.name, users.c.name))
    query = (
        select(teams.c.id, teams.c.name, members.label("members"))
        .outerjoin_from(teams, team_members)
        .outerjoin(users, users.c.id == team_members.c.user_id)
        .group_by(teams.c.id)
        .order_by(teams.c.name)
    )
    if name is not None:
        query = query.where(teams.c.name == name)
    return [
        Team(row.id, row.name, tuple(one for one in row.members if one is not None))
        for row in db.execute(query)
    ]

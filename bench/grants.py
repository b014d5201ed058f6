"""The pages of a member with grants for 500 services, compared with those of an admin.

The grants are those of 50 teams, each for ten services by their names.
"""

import time
from statistics import median
from typing import Any

from sqlalchemy import text

from app.domain.access import Grant, Permission, Role, SubjectKind
from app.store.store import Store
from app.usecases import auth, grants, services, teams, tokens
from bench.overview import MANY, fill
from bench.rows import row
from testing.factories import PASSWORD, ROOT, make_user
from testing.supervised import temporary_installation

TEAMS = 50
#: Requests in a round, in turn, so that noise affects both.
REQUESTS = 60
PATHS = {
    "the overview": "/overview",
    "the history": "/api/v1/deployments",
    "a service": "/services/service-000",
    "the projects": "/projects",
}


def measure(rounds: int) -> list[Any]:
    """Measure pages of an admin and of a member who may see the same, in turn."""
    with temporary_installation("web") as here:
        fill(here.store, MANY)
        tokens_of = {
            "admin": tokens.create_token(here.store, ROOT, "admin", list(Permission)),
            "member": _member(here.store),
        }
        return [
            _compare(here.api, tokens_of, name, path, rounds * REQUESTS)
            for name, path in PATHS.items()
        ]


def _member(store: Store) -> str:
    """Create a member of all teams; return the secret of a token of theirs."""
    user = make_user(store, "member", Role.MEMBER)
    names = [each.entry.name for each in services.list_services(store)]
    for number in range(TEAMS):
        team = f"team-{number}"
        teams.create(store, ROOT, team)
        teams.add_member(store, ROOT, team, user)
        for name in names[number::TEAMS]:
            wanted = Grant(Permission.DEPLOY, name)
            grants.add(store, ROOT, SubjectKind.TEAM, team, wanted)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM (ANALYZE) grants, team_members"))
    session = auth.log_in(store, user, PASSWORD, "127.0.0.1", auth.WINDOW)
    actor = auth.by_session(store, session)
    assert actor is not None
    scopes = [Permission.VIEW, Permission.DEPLOY]
    return tokens.create_own_token(store, actor, "bench", scopes)


def _compare(
    api: Any, tokens_of: dict[str, str], name: str, path: str, times: int
) -> Any:
    taken: dict[str, list[float]] = {who: [] for who in tokens_of}
    for _ in range(times):
        for who, token in tokens_of.items():
            begun = time.perf_counter()
            headers = {"Authorization": f"Bearer {token}"}
            api.get(path, headers=headers).raise_for_status()
            taken[who].append((time.perf_counter() - begun) * 1000)
    medians = {who: median(values) for who, values in taken.items()}
    ratio = medians["member"] / medians["admin"]
    return row(
        f"times the time of an admin, for {MANY} services of {TEAMS} teams: {name}",
        ratio,
        "at most 1.2",
        holds=ratio <= 1.2,
        p50_of_admin=round(medians["admin"], 1),
        p50_of_member=round(medians["member"], 1),
    )

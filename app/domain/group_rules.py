"""The role and the teams that the groups of a user give."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.domain.access import Role


class GroupRules(BaseModel):
    """What an OpenID provider, or a proxy that users log in at, decides by groups."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=50)]
    """What the login page calls it."""
    roles: dict[str, Role] = {}
    """The role of the members of a group; of several, the highest counts."""
    teams: dict[str, str] = {}
    """The team of the members of a group; other teams keep their members."""
    default_role: Role | None = None
    """The role of everybody else; without it, they can't log in."""

    def role_of(self, groups: frozenset[str]) -> Role | None:
        """Return the highest role that the groups give, None if they give none."""
        order = list(Role)
        given = [role for group, role in self.roles.items() if group in groups]
        if self.default_role is not None:
            given.append(self.default_role)
        return max(given, key=order.index, default=None)

    def teams_of(self, groups: frozenset[str]) -> dict[str, bool]:
        """Return whether the groups give membership in each team that a group gives."""
        return {
            team: any(
                group in groups for group, given in self.teams.items() if given == team
            )
            for team in self.teams.values()
        }

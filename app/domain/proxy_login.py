"""A proxy that users log in at: the headers in which it names them."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from app.domain.group_rules import GroupRules
from app.domain.identity import Identity, account_name

#: The issuer of the identities; OpenID providers have URLs.
ISSUER = "proxy"
_HEADER = Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9-]*)?$", max_length=100)
_MAX_SUBJECT = 255


class ProxyLogin(GroupRules):
    """The file of a proxy that users log in at."""

    user_header: Annotated[str, _HEADER, Field(min_length=1)]
    """The header that names the user: what never changes at the proxy."""
    name_header: Annotated[str, _HEADER] = ""
    """The header with what a new account is called; empty: as in `user_header`."""
    email_header: Annotated[str, _HEADER] = ""
    """The header that names a new account if `name_header` is missing."""
    groups_header: Annotated[str, _HEADER] = ""
    """The header with the groups."""
    groups_separator: Annotated[str, Field(min_length=1, max_length=5)] = ","
    logout_url: Annotated[str, Field(pattern=r"^(https?://[^\s]+|/[^\s]*)?$")] = ""
    """Where users log out of the proxy; the login page shows it after a logout."""

    @property
    def headers(self) -> frozenset[str]:
        """The names of the headers, in lower case."""
        names = (
            self.user_header, self.name_header, self.email_header, self.groups_header,
        )  # fmt: skip
        return frozenset(name.lower() for name in names if name)

    def identity_of(self, values: Mapping[str, str]) -> Identity | None:
        """Return whom headers name, by their names in lower case; None for nobody."""
        subject = values.get(self.user_header.lower(), "").strip()
        if not subject or len(subject) > _MAX_SUBJECT:
            return None
        names = (values.get(each.lower()) for each in self._naming)
        groups = values.get(self.groups_header.lower(), "")
        parts = (part.strip() for part in groups.split(self.groups_separator))
        return Identity(
            ISSUER, subject, account_name(*names), frozenset(filter(None, parts)), ""
        )

    @property
    def _naming(self) -> tuple[str, ...]:
        return self.name_header, self.email_header, self.user_header

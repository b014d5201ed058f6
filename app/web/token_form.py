"""The form for a new token, shared or personal."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from starlette.datastructures import FormData

from app.domain.access import Permission
from app.domain.service_pattern import EVERY_SERVICE
from app.errors import Conflict, InvalidFields

#: Lifetimes of a token in days, by the value that the form sends.
LIFETIMES = {"7": 7, "30": 30, "90": 90, "365": 365, "never": None}
#: The lifetime that the form preselects.
_USUAL = "90"


@dataclass(frozen=True, slots=True)
class TokenForm:
    """The values of the form, and the problems of its fields by name."""

    name: str = ""
    lifetime: str = _USUAL
    scopes: Collection[Permission] = ()
    #: The pattern of the services that a shared token is for.
    services: str = EVERY_SERVICE
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def days(self) -> int | None:
        """The lifetime in days, None for a token that doesn't expire."""
        return LIFETIMES[self.lifetime]


def read(form: FormData) -> TokenForm:
    """Return the submitted form."""
    chosen = [str(scope) for scope in form.getlist("scope")]
    found = TokenForm(
        str(form.get("name", "")).strip(),
        str(form.get("lifetime", "")),
        [scope for scope in Permission if scope in chosen],
        str(form.get("services", "")).strip() or EVERY_SERVICE,
    )
    if not found.scopes:
        found.problems["scope"] = "choose at least one scope"
    if found.lifetime not in LIFETIMES:
        found.problems["lifetime"] = "choose a lifetime"
    return found


def create(form: TokenForm, make: Callable[[TokenForm], str]) -> str:
    """Make the token of a form; return its secret, or "" if the form has problems."""
    try:
        return "" if form.problems else make(form)
    except InvalidFields as error:
        form.problems.update(error.problems)
    except Conflict as error:
        form.problems["name"] = str(error)
    return ""

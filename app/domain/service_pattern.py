"""Patterns of service names, as grants use them.

| pattern | services |
|---|---|
| `*` | all |
| `*@staging` | those of all projects in an environment |
| `shop/*` | those of a project |
| `shop/*@staging` | those of a project in an environment |
| `shop/web` | a service of a project in each of its environments |
| `shop/web@staging` | a service of a project in one environment |
| `hello` | a service without a project |
"""

import re
from functools import lru_cache

from app.domain.service_name import PART
from app.errors import InvalidFields

#: The pattern of every service.
EVERY_SERVICE = "*"

#: The regular expression of a whole pattern.
PATTERN = rf"\*(?:@{PART})?|{PART}/(?:\*|{PART})(?:@{PART})?|{PART}"
_PATTERN = re.compile(PATTERN, re.ASCII)


def parse_pattern(text: str) -> str:
    """Return a pattern that a person typed. Raises InvalidFields for `services`."""
    pattern = text.strip()
    if not _PATTERN.fullmatch(pattern):
        raise InvalidFields(
            {
                "services": "write *, *@ENVIRONMENT, PROJECT/*, PROJECT/*@ENVIRONMENT, "
                "PROJECT/SERVICE, PROJECT/SERVICE@ENVIRONMENT or SERVICE"
            }
        )
    return pattern


@lru_cache(2000)  # lists of services have the same names each time
def patterns_of(name: str) -> frozenset[str]:
    """Return every pattern that matches a service.

    `app/store/visibility.py` computes the same in SQL.
    """
    project = name.partition("/")[0]
    environment = name.partition("@")[2].partition("@")[0]
    found = {EVERY_SERVICE, name, name.partition("@")[0], f"{project}/*"}
    if environment:
        found |= {f"*@{environment}", f"{project}/*@{environment}"}
    return frozenset(found)

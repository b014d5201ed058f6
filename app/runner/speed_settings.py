"""The key `speed` of a service: what FastDeploy may choose to make its runs faster."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .options import MAX_FORKS

#: The age of facts: a number of minutes, hours or days.
AGE = r"^[1-9][0-9]{0,4}[mhd]$"
#: Seconds that facts may be kept at most.
MAX_AGE = 7 * 24 * 3600
_SECONDS = {"m": 60, "h": 3600, "d": 24 * 3600}
_GATHERING = (None, "smart", "implicit")
_KEYS = ("pipelining", "forks", "gathering", "fact_cache")


@dataclass(frozen=True)
class SpeedSettings:
    """What a service lets FastDeploy choose."""

    #: Whether ssh and local connections may send modules without copying them first.
    pipelining: bool = True
    #: The number of forks; None: FastDeploy chooses it; 0: Ansible's default.
    forks: int | None = None
    #: Whether a run gathers the facts of a host once only.
    gathers_once: bool = False
    #: Seconds that facts are kept for later runs; 0: they aren't kept.
    fact_age: int = 0


#: A service without the key.
DEFAULT = SpeedSettings()
#: A service with `"speed": false`.
NOTHING = SpeedSettings(pipelining=False, forks=0)


def find_problem(value: object) -> str:
    """Return why `speed` can't have a value; empty if it can."""
    if value is False:
        return ""
    if not isinstance(value, dict):
        return "must be false or an object"
    if unknown := sorted(set(value) - set(_KEYS)):
        return f"has the unknown key {unknown[0]!r}: use {', '.join(_KEYS)}"
    if not isinstance(value.get("pipelining", True), bool):
        return "must set pipelining to true or false"
    if problem := _forks_problem(value.get("forks")):
        return problem
    if value.get("gathering") not in _GATHERING:
        return 'must set gathering to "smart" or "implicit"'
    return _age_problem(value.get("fact_cache", False), value)


def parse(value: Mapping[str, Any] | Literal[False]) -> SpeedSettings:
    """Return the settings of a value without a problem."""
    if not isinstance(value, Mapping):
        return NOTHING
    forks = value.get("forks")
    age = value.get("fact_cache") or ""
    return SpeedSettings(
        pipelining=value.get("pipelining", True),
        forks=0 if forks is False else forks,
        gathers_once=bool(age) or value.get("gathering") == "smart",
        fact_age=seconds(age) if age else 0,
    )


def seconds(age: str) -> int:
    """Return an age such as `1h` in seconds."""
    return int(age[:-1]) * _SECONDS[age[-1]]


def _forks_problem(forks: object) -> str:
    if forks is None or forks is False:
        return ""
    if isinstance(forks, int) and forks is not True and 0 < forks <= MAX_FORKS:
        return ""
    return f"must set forks to false or a whole number from 1 to {MAX_FORKS}"


def _age_problem(age: object, value: Mapping[str, Any]) -> str:
    if age is False:
        return ""
    if not isinstance(age, str) or not re.fullmatch(AGE, age):
        return 'must set fact_cache to false or an age such as "30m", "1h" or "1d"'
    if seconds(age) > MAX_AGE:
        return 'must set fact_cache to at most "7d"'
    if value.get("gathering") == "implicit":
        return 'must set gathering to "smart" beside fact_cache'
    return ""

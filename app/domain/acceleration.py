"""The key `accelerate` of a service and of an environment."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from packaging.specifiers import SpecifierSet
from pydantic import Field

from app.runner.mitogen_strategies import (
    NEWEST,
    OLDEST,
    describe_range,
    supports,
)

AccelerateKey = Annotated[
    Literal["mitogen", "none"],
    Field(
        description="With mitogen, hosts are reached by mitogen instead of Ansible's "
        "own connections. A run in which that doesn't work does without it."
    ),
]
#: More than any minor version of ansible-core has had.
_PATCHES = 50
_PRERELEASE = re.compile(r"\d+\.\d+\.\d+(a|b|rc)\d+", re.ASCII)


def explain_range(ansible: str) -> str:
    """Return why mitogen works with no version in a range; empty if it does with one.

    Args:
        ansible: The PEP 440 specifier of ansible-core in a fastdeploy.yml; empty for
            FastDeploy's own version.
    """
    specifiers = SpecifierSet(ansible)
    if not specifiers or any(specifiers.filter(_supported(specifiers), True)):
        return ""
    return (
        f'{describe_range()}, and "ansible" is {ansible}: change "ansible", or remove '
        '"accelerate"'
    )


def explain_version(ansible_core: str) -> str:
    """Return why runs do without mitogen, as a sentence; empty if they don't.

    Args:
        ansible_core: The version of ansible-core of the runs; empty if it is unknown.
    """
    if not ansible_core or supports(ansible_core):
        return ""
    return (
        f"Runs do without mitogen: {describe_range()}, and they have {ansible_core}. "
        'Install a version of ansible-core in this range, or remove "accelerate".'
    )


def _supported(specifiers: SpecifierSet) -> Iterator[str]:
    """Yield the versions that mitogen works with, and prereleases in specifiers."""
    major, oldest = OLDEST
    for minor in range(oldest, NEWEST[1] + 1):
        yield from (f"{major}.{minor}.{patch}" for patch in range(_PATCHES))
    named = (each.version for each in specifiers)
    yield from (
        each for each in named if _PRERELEASE.fullmatch(each) and supports(each)
    )

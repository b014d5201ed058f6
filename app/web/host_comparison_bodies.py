"""The response bodies of the API for the comparison of hosts."""

from datetime import datetime
from typing import Any

from app.domain.host_comparison import FileDifference
from app.store.host_states import VersionOnHost
from app.usecases.host_comparison import ComparedFile, HostComparison, HostState
from app.web.schemas import Body


class ComparedHostBody(Body):
    """A host of a comparison; times are ISO 8601 in UTC."""

    name: str
    project: str
    at: datetime | None
    """The host is compared as it was before this time; null: as it is now."""


class FactPairBody(Body):
    """A fact that differs; null on a host whose fact isn't known."""

    name: str
    a: Any
    b: Any


class ServiceVersionBody(Body):
    """The version of a service on a host, and the deployment that brought it."""

    version: str
    deployment: int


class ServicePairBody(Body):
    """A service of both hosts; null on a host where no deployment was complete."""

    service: str
    a: ServiceVersionBody | None
    b: ServiceVersionBody | None


class ComparedFileBody(Body):
    """A file that differs."""

    path: str
    difference: FileDifference
    """`differs`: both have it, with other contents. `only_a`, `only_b`: only one of
    them is known to have it. `unknown`: the contents can't be compared."""
    diff: list[str]
    """The difference of the contents, as far as both are known and kept."""
    more: int
    """The number of lines that are left out."""
    secrets_alone: bool
    """Whether the contents are equal once their secrets are masked."""


class HostComparisonBody(Body):
    """Two hosts, or one host at two times."""

    a: ComparedHostBody
    b: ComparedHostBody
    facts: list[FactPairBody]
    """The facts that differ, without those that differ in each run."""
    services: list[ServicePairBody]
    files: list[ComparedFileBody]
    """A page of the files that differ, sorted by path; it may be empty although there
    is a next one."""
    after: str | None
    """The value of `after` for the next page; null on the last one."""


def comparison_body(found: HostComparison) -> HostComparisonBody:
    """Return the body of a comparison."""
    a, b = found.a, found.b
    return HostComparisonBody(
        a=_host(a),
        b=_host(b),
        facts=[
            FactPairBody(name=name, a=a.facts.get(name), b=b.facts.get(name))
            for name in found.facts
        ],
        services=[
            ServicePairBody(
                service=name,
                a=_version(a.versions.get(name)),
                b=_version(b.versions.get(name)),
            )
            for name in found.services
        ],
        files=[_file(each) for each in found.files],
        after=found.after,
    )


def _host(state: HostState) -> ComparedHostBody:
    return ComparedHostBody(name=state.host.name, project=state.host.scope, at=state.at)


def _version(found: VersionOnHost | None) -> ServiceVersionBody | None:
    if found is None:
        return None
    return ServiceVersionBody(version=found.version, deployment=found.deployment)


def _file(file: ComparedFile) -> ComparedFileBody:
    return ComparedFileBody(
        path=file.path,
        difference=file.difference,
        diff=[line.text for line in file.lines],
        more=file.more,
        secrets_alone=file.secrets_alone,
    )

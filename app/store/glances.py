"""The rows of the overview, parsed from the JSON documents of `dashboard_rows`.

Viewers ask for the same rows every few seconds, and a document that was parsed before
isn't parsed again. It has all that the row shows, so what was parsed can't be out of
date, nor be of a row that an actor may not see.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from app.domain.dashboard import Condition, Latest, Line, Place
from app.domain.deployment import Status
from app.store.outcomes import LastSuccess, Outcome

#: The number of parsed rows that are kept, and the longest document of one, in
#: characters. A document is usually shorter than 2000.
_KEPT, _LONGEST = 1000, 8000


@dataclass(frozen=True, slots=True)
class Spot:
    """A service in an environment with its current version.

    `version` is the version of the last successful deployment, which has the id
    `brought_by`. It is empty if unknown.
    """

    place: Place
    version: str
    brought_by: int | None


@dataclass(frozen=True, slots=True)
class Glance:
    """A row: a service with its environments and its last outcomes, oldest first.

    `latest` is the deployment of the environment in the most urgent condition. A
    deployment that has started counts before newer ones that are queued.
    """

    line: Line
    spots: tuple[Spot, ...]
    latest: Latest | None
    outcomes: tuple[Outcome, ...]
    #: Whether it stands for a project whose description can't be read.
    unreadable: bool = False

    def __hash__(self) -> int:
        """Hash what differs in most rows: hashing all of it takes longer."""
        return hash((self.line.name, self.latest.id if self.latest else 0))


def parse(document: str) -> Glance:
    """Parse the document of a row."""
    return _kept(document) if len(document) <= _LONGEST else _parsed(document)


def _parsed(document: str) -> Glance:
    (service, project, description, labels, favourite, lead,
     places, outcomes, latest) = json.loads(document)  # fmt: skip
    spots = tuple(_spot(*each) for each in places)
    (place,) = (spot.place for spot in spots if spot.place.id == lead)
    return Glance(
        Line(service, project, description, tuple(labels), favourite, place),
        spots,
        _parsed_latest(*latest) if latest else None,
        tuple(
            Outcome(number, Status(status), datetime.fromisoformat(at), warned)
            for number, status, at, warned in outcomes or ()
        ),
    )


_kept = lru_cache(_KEPT)(_parsed)


def _spot(
    number: int,
    name: str,
    environment: str,
    error: str,
    warning: str,
    condition: str,
    deployment: int | None,
    success: list[Any] | None,
) -> Spot:
    place = Place(number, name, environment, error, warning, Condition(condition),
                  deployment)  # fmt: skip
    if success is None:
        return Spot(place, "", None)
    brought = LastSuccess(*success)
    return Spot(place, brought.version, brought.id)


def _parsed_latest(
    number: int,
    reason: str,
    actor: str,
    created_at: str,
    started_at: str | None,
    finished_at: str | None,
    *rest: Any,
) -> Latest:
    return Latest(number, reason, actor, datetime.fromisoformat(created_at),
                  _moment(started_at), _moment(finished_at), *rest)  # fmt: skip


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

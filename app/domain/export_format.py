"""The formats in which the record of a deployment can be exported."""

from enum import StrEnum


class Format(StrEnum):
    """A format of an export."""

    #: A playbook artifact, for `ansible-navigator replay`.
    NAVIGATOR = "navigator"
    #: JSON with the objects and fields of ARA's API.
    ARA = "ara"

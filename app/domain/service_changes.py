"""Compare two definitions of a service."""

from app.domain.service import Service

#: Keys of config.json that affect neither a run nor its records.
_NOT_OF_A_RUN = frozenset(
    {"name", "description", "labels", "confirm", "approval", "approval_timeout",
     "queue", "keep", "schedules", "notify"}
)  # fmt: skip


def changed_keys(recorded: Service, present: Service) -> tuple[str, ...]:
    """Return the keys of config.json that differ and that affect a run."""
    before, now = _as_run(recorded), _as_run(present)
    return tuple(
        key
        for key in Service.model_fields
        if key not in _NOT_OF_A_RUN and getattr(before, key) != getattr(now, key)
    )


def _as_run(service: Service) -> Service:
    """Return a service without what affects no run of its project."""
    if service.project is None:
        return service
    project = service.project.model_copy(update={"description": "", "credential": ""})
    return service.model_copy(update={"project": project})

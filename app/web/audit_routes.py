"""The routes of the API for the audit log."""

from app.domain.access import Permission
from app.web import api_parameters, audit_bodies, audit_log
from app.web.guard import api_route
from app.web.operation import Operation

_ADMIN = Permission.ADMIN

API = [
    api_route("GET", "/api/v1/audit", audit_log.list_entries, _ADMIN, Operation(
        "audit", "List the latest 50 entries of the audit log.",
        list[audit_bodies.AuditEntryBody], parameters=api_parameters.AUDIT,
        description="The header Link has the URL of the next page.",
    )),
    api_route("GET", "/api/v1/audit/chain", audit_log.list_chain, _ADMIN, Operation(
        "audit", "List 500 entries of the audit log in the order of the hash chain.",
        list[audit_bodies.AuditEntryBody], parameters=(api_parameters.AFTER_PLACE,),
        description="The header Link has the URL of the next page.",
    )),
]  # fmt: skip

"""Descriptions of roles and scopes for the admin forms."""

from app.domain.access import Permission, Role

ROLE_DESCRIPTIONS = {
    Role.MEMBER: "has the permissions of grants only",
    Role.VIEWER: "sees all services, read-only",
    Role.DEPLOYER: "launches, cancels and schedules deployments of all services",
    Role.ADMIN: "full access",
}
#: What a permission gives on the services of a grant.
GRANT_DESCRIPTIONS = {
    Permission.VIEW: "see services and deployments",
    Permission.CHECK: "also launch in check mode",
    Permission.DEPLOY: "also launch and retry",
    Permission.CANCEL: "see and cancel deployments",
    Permission.APPROVE: "see deployments, approve and reject those of others",
    Permission.MANAGE: "launch, retry and cancel, and change schedules",
}
SCOPE_DESCRIPTIONS = {
    Permission.VIEW: "see services, deployments, their output and artifacts",
    Permission.CHECK: "launch deployments in check mode",
    Permission.DEPLOY: "launch, cancel, retry and schedule deployments",
    Permission.CANCEL: "cancel deployments",
    Permission.APPROVE: "approve and reject deployments of others",
    Permission.MANAGE: "create, change, pause and remove schedules",
    Permission.SYNC: "sync the services folder",
    Permission.CREDENTIALS: "list, add, replace and remove credentials, never read "
    "their values",
    Permission.METRICS: "read the metrics for Prometheus",
    Permission.ADMIN: "manage users and tokens, add and remove projects, accept host "
    "keys",
}

"""Descriptions of roles and scopes for the admin forms."""

from app.domain.access import Permission, Role

ROLE_DESCRIPTIONS = {
    Role.VIEWER: "read-only",
    Role.DEPLOYER: "launches, cancels and retries deployments",
    Role.ADMIN: "full access",
}
SCOPE_DESCRIPTIONS = {
    Permission.VIEW: "see services, deployments, their output and artifacts",
    Permission.DEPLOY: "launch, cancel and retry deployments",
    Permission.SYNC: "sync the services folder",
    Permission.CREDENTIALS: "list, add, replace and remove credentials, never read "
    "their values",
    Permission.METRICS: "read the metrics for Prometheus",
    Permission.ADMIN: "manage users and tokens, add and remove projects, accept host "
    "keys",
}

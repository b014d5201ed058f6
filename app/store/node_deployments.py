"""Which deployments a node runs, and how much of them is recorded."""

from sqlalchemy import Connection, select

from app.store.deployment_tables import deployments


def offsets_on(db: Connection, node: str) -> dict[int, int]:
    """Return the recorded bytes of a node's active deployments by their ids."""
    rows = db.execute(
        select(deployments.c.id, deployments.c.journal_offset).where(
            deployments.c.node == node, deployments.c.finished_at.is_(None)
        )
    )
    return {row.id: row.journal_offset for row in rows}


def node_of_job(db: Connection, job_id: int) -> str | None:
    """Return the node that has started the deployment of a job, if any."""
    return db.scalar(select(deployments.c.node).where(deployments.c.job_id == job_id))

"""Audit entries in a hash chain, with what a change was before and after.

Triggers append each entry to the chain when its transaction commits, so entries that the
release before this one writes are chained too. Its workers can't delete old entries any
more; those of this release do. `app/domain/audit_chain.py` describes the hashes.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_NETSTRING = """
CREATE FUNCTION audit_netstring(field text) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT convert_to(
        octet_length(convert_to(coalesce(field, ''), 'UTF8')) || ':'
        || coalesce(field, '') || ',', 'UTF8')
$$
"""
_CONTENT = """
CREATE FUNCTION audit_content(entry audit) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT audit_netstring(entry.chain_number::text)
        || audit_netstring(entry.id::text)
        || audit_netstring(
            to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || audit_netstring(entry.actor)
        || audit_netstring(entry.address)
        || audit_netstring(entry.action)
        || audit_netstring(entry.subject)
        || audit_netstring(entry.deployment_id::text)
        || audit_netstring(entry.changes::text)
$$
"""
_APPEND = """
CREATE FUNCTION audit_append(entry_id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    entry audit;
    last audit_chain;
BEGIN
    SELECT * INTO STRICT last FROM audit_chain FOR UPDATE;
    SELECT * INTO STRICT entry FROM audit WHERE id = entry_id;
    entry.chain_number := last.number + 1;
    entry.hash := sha256(last.hash || audit_content(entry));
    UPDATE audit SET chain_number = entry.chain_number, hash = entry.hash
        WHERE id = entry_id;
    UPDATE audit_chain SET number = entry.chain_number, hash = entry.hash;
END $$
"""
_AT_COMMIT = """
CREATE FUNCTION audit_append_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit_append(NEW.id);
    RETURN NULL;
END $$
"""
_REFUSE = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('fastdeploy.deletes_audit', true) = 'on'
    THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.hash IS NULL AND (to_jsonb(NEW) - 'hash' - 'chain_number')
        = (to_jsonb(OLD) - 'hash' - 'chain_number')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'entries of the audit log are never changed'
        USING ERRCODE = 'insufficient_privilege';
END $$
"""
_TRIGGERS = (
    "CREATE CONSTRAINT TRIGGER audit_append_at_commit AFTER INSERT ON audit "
    "DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION audit_append_at_commit()",
    "CREATE TRIGGER audit_refuse_change BEFORE UPDATE OR DELETE ON audit "
    "FOR EACH ROW EXECUTE FUNCTION audit_refuse_change()",
    "CREATE TRIGGER audit_refuse_truncate BEFORE TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()",
)


def upgrade() -> None:
    op.add_column("audit", sa.Column("changes", postgresql.JSONB))
    op.add_column("audit", sa.Column("chain_number", sa.BigInteger))
    op.add_column("audit", sa.Column("hash", sa.LargeBinary))
    op.create_index("uq_audit_chain_number", "audit", ["chain_number"], unique=True)
    op.create_table(
        "audit_chain",
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("deleted_number", sa.BigInteger, nullable=False),
        sa.Column("deleted_hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_forwarding",
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO audit_chain VALUES "
        "(0, decode(repeat('00', 32), 'hex'), 0, decode(repeat('00', 32), 'hex'))"
    )
    op.execute("INSERT INTO audit_forwarding VALUES (0)")
    for function in (_NETSTRING, _CONTENT, _APPEND, _AT_COMMIT, _REFUSE):
        op.execute(function)
    op.execute("SELECT count(audit_append(id)) FROM (SELECT id FROM audit ORDER BY id) e")
    for trigger in _TRIGGERS:
        op.execute(trigger)

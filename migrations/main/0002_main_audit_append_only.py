"""The audit can only grow: the database itself refuses to change or delete an entry.

Whoever owns the database can drop a trigger; the chain of hashes and its anchor outside tell of that.
"""

from alembic import op

revision = "0002_main"
down_revision = "0001_main"
branch_labels = None
depends_on = None

SQLITE = """
CREATE TRIGGER audit_entry_no_{verb} BEFORE {verb} ON audit_entry
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END
"""
FUNCTION = """
CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$
"""
TRIGGER = """
CREATE TRIGGER audit_entry_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(SQLITE.format(verb="UPDATE"))
        op.execute(SQLITE.format(verb="DELETE"))
    else:
        op.execute(FUNCTION)
        op.execute(TRIGGER)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_entry_no_UPDATE")
        op.execute("DROP TRIGGER audit_entry_no_DELETE")
    else:
        op.execute("DROP TRIGGER audit_entry_only_grows ON audit_entry")
        op.execute("DROP FUNCTION audit_entry_refuse()")

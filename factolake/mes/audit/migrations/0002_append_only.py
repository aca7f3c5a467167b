"""The head row, and triggers: the database refuses to change or delete an audit entry, whoever asks."""

from django.db import migrations

from factolake.mes.audit.chain import GENESIS

SQLITE = [
    f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit_auditentry BEGIN SELECT RAISE(ABORT, 'audit entries are only ever added'); END"
    for verb in ("UPDATE", "DELETE")
]
POSTGRESQL = [
    """CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'audit entries are only ever added'; END $$""",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_auditentry FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
]


def add_triggers(apps, schema_editor):
    """By the kind of database."""
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def add_head(apps, schema_editor):
    """The chain begins empty."""
    apps.get_model("audit", "AuditHead").objects.create(id=1, number=0, hash=GENESIS)


class Migration(migrations.Migration):
    """After the tables."""

    dependencies = (("audit", "0001_initial"),)
    operations = (migrations.RunPython(add_triggers), migrations.RunPython(add_head))

"""Documents of an ERP that came in: what was in them, what became of each row, and the rows that could not be taken."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record


class ImportState(StrEnum):
    """Where an import stands."""

    RUNNING = "running"
    DONE = "done"


class ErpImport(Record):
    """One document of a system: its rows are applied part by part, each part in a transaction of its own."""

    NOUN = "erp_import"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of arrival.")
    source_system = models.CharField(max_length=64, db_comment="System the document is from; it owns the rows.")
    kind = models.CharField(max_length=16, db_comment="What the rows are: materials, bills, routings, orders or operations.")
    format = models.CharField(max_length=8, db_comment="csv, json or b2mml.")
    sha256 = models.CharField(max_length=64, db_comment="SHA-256 of the document in UTF-8, hex.")
    state = models.CharField(max_length=8, choices=[(s.value, s.value) for s in ImportState], db_comment="running until every part is applied.")
    rows = models.PositiveIntegerField(db_comment="Rows in the document.")
    imported = models.PositiveIntegerField(default=0, db_comment="Rows that made something new.")
    updated = models.PositiveIntegerField(default=0, db_comment="Rows that changed what was there.")
    skipped = models.PositiveIntegerField(default=0, db_comment="Rows that said what was known.")
    errors = models.PositiveIntegerField(default=0, db_comment="Rows that could not be taken; each is an erp_import_row.")
    at_ts = models.DateTimeField(db_comment="When the document came (UTC).")
    imported_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, db_comment="Who brought it.")


class ErpImportPart(Record):
    """Some thousand rows of a document: what is to be done, and once it is done the outcome of every row."""

    NOUN = "erp_import_part"
    OWNER = "erp_import"
    SECRETS = frozenset({"content"})  # the rows themselves become rows of the record; twice in the lake is once too often

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of arrival.")
    erp_import = models.ForeignKey(ErpImport, on_delete=models.PROTECT, related_name="parts", db_comment="Its document.")
    number = models.PositiveIntegerField(db_comment="Place in the document, from 1.")
    first_row = models.PositiveIntegerField(db_comment="Number of its first row in the document.")
    last_row = models.PositiveIntegerField(db_comment="Number of its last row.")
    content = models.TextField(db_comment="Its rows as JSON lines; empty once they are applied.")
    outcomes = models.TextField(blank=True, db_comment="What became of each row, in ranges: 2-51 imported, 52 error; empty while it waits.")

    class Meta:
        """In the order of the document."""

        constraints = (models.UniqueConstraint(fields=("erp_import", "number"), name="erp_import_part_once"),)


class ErpImportRow(Record):
    """A row that could not be taken: which, why, and the row as it came, to be put right and sent again."""

    NOUN = "erp_import_row"
    OWNER = "erp_import"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of arrival.")
    erp_import = models.ForeignKey(ErpImport, on_delete=models.PROTECT, related_name="faults", db_comment="Its document.")
    number = models.PositiveIntegerField(db_comment="Row in the document: CSV counts its header as row 1, JSON and XML count from 1.")
    field = models.CharField(max_length=120, db_comment="Field that is wrong; empty: the row as a whole.")
    message = models.CharField(max_length=500, db_comment="What is wrong with it, in one sentence.")
    content = models.TextField(db_comment="The row as it came, as JSON.")

    class Meta:
        """Looked up by document."""

        indexes = (models.Index(fields=("erp_import", "number"), name="erp_import_row_of_import"),)

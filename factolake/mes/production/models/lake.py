"""What the sync brings from the lake and production reads: never written here, and not there before the first sync."""

from django.db import models


class LakeOee(models.Model):
    """A row of `lake_oee`: what a machine or line made in a shift, or a machine in a UTC hour. Only the columns that are read here."""

    pk = models.CompositePrimaryKey("span", "equipment", "period")
    span = models.TextField(db_comment="shift or hour.")
    equipment = models.TextField(db_comment="Machine id, or line id for the line's row.")
    period = models.TextField(db_comment="The shift or hour in words.")
    from_ts = models.DateTimeField(db_comment="Start, inclusive (UTC).")
    to_ts = models.DateTimeField(db_comment="End, exclusive (UTC).")
    pq = models.BigIntegerField(db_comment="Produced quantity (parts): good + scrap + rework.")
    gq = models.BigIntegerField(db_comment="Good quantity (parts).")
    sq = models.BigIntegerField(db_comment="Scrap quantity (parts).")
    rq = models.BigIntegerField(db_comment="Rework quantity (parts).")
    quality_ratio_reason = models.TextField(null=True, db_comment="Why good cannot be told from scrap; null where it can.")
    as_of = models.DateTimeField(db_comment="When the lake computed the row (UTC).")

    class Meta:
        """The sync makes and fills the table."""

        managed = False
        db_table = "lake_oee"

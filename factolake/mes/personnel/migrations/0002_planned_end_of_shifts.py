"""A shift that was taken back keeps the end it was planned to have."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('personnel', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='shiftassignment',
            name='planned_to_ts',
            field=models.DateTimeField(db_comment='End as it was planned, if it was taken back or ended before (UTC); null: it was not.', null=True),
        ),
    ]

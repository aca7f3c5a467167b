from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('downtime', '0001_initial'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='stop',
            index=models.Index(fields=['equipment', 'stop_id'], name='stop_of_equipment_by_key'),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('production', '0004_counted_by_machine'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['line', 'state', 'order_id'], name='order_of_line_by_key'),
        ),
    ]

from django.db import migrations


def let_them_expire(apps, schema_editor):
    """Turn Django's index over `expire_date` into one by which the database itself removes what is
    over: nobody has to run `clearsessions`."""
    collection = schema_editor.connection.database["django_session"]
    for name, index in collection.index_information().items():
        if index["key"] == [("expire_date", 1)]:
            collection.drop_index(name)
            collection.create_index("expire_date", name=name, expireAfterSeconds=0)


def keep_them(apps, schema_editor):
    collection = schema_editor.connection.database["django_session"]
    for name, index in collection.index_information().items():
        if index["key"] == [("expire_date", 1)]:
            collection.drop_index(name)
            collection.create_index("expire_date", name=name)


class Migration(migrations.Migration):
    dependencies = [("sessions", "0001_initial")]

    operations = [migrations.RunPython(let_them_expire, keep_them)]

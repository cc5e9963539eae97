"""Every collection can live on a sharded cluster: by the shard key, or whole and told why."""

import re
from typing import Any, Final

from django.apps import apps
from django.db import models

from chat import sharding
from chat.models import Event
from chatsite import indexes
from tests.house import tree

ADR: Final = tree.doc("docs/adr/014-sharded-by-room.md")
OURS: Final = ("accounts", "chat")


def unique_indexes(model: type[models.Model]) -> dict[str, list[str]]:
    columns = {field.name: str(field.column) for field in model._meta.local_fields}
    return {
        index.name: [columns[name] for name, _ in index.fields_orders]
        for index in model._meta.indexes
        if isinstance(index, indexes.UniqueIndex)
    }


def test_every_unique_index_of_the_logs_begins_with_the_shard_key() -> None:
    found = unique_indexes(Event)
    key = list(sharding.KEY)
    assert Event._meta.db_table == sharding.COLLECTION
    assert len(found) >= 2
    assert all(columns[: len(key)] == key for columns in found.values())
    assert not Event._meta.unique_together
    assert not any(f.unique for f in Event._meta.local_fields if not f.primary_key)


def test_every_other_collection_is_told_of_with_its_reason() -> None:
    rows = tree.rows(tree.section(ADR, "What stays whole"))
    told = {re.sub("`", "", row[0]): row[1] for row in rows}
    there: dict[str, Any] = {
        model._meta.db_table: model
        for model in apps.get_models()
        if model._meta.app_label in OURS and model is not Event
    }
    assert set(told) == set(there)
    assert all(len(reason) > 20 for reason in told.values()), told

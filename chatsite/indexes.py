"""Owns the kinds of index that the database backend does not write itself. Knows no collection.

Declared in a model's `Meta.indexes` like Django's own. Django's `unique=True` and
`UniqueConstraint` become *partial* indexes here (`{$type: ...}`, so that several nulls are let
through), and neither MongoDB's planner nor the embedded database uses such an index to answer a
query: every look-up by that field would read the whole collection (222 ms against 1 ms at 20,000
documents). Our fields are never null, so plain indexes are right.
"""

from typing import Any

from django.db import models
from pymongo import ASCENDING, DESCENDING, IndexModel


class UniqueIndex(models.Index):
    """A unique index over whole documents, used for queries too. Fields must not be nullable.

    A violation raises `django.db.IntegrityError`. With a `condition` it is partial by that
    condition alone.
    """

    suffix = "uniq"

    def get_pymongo_index_model(
        self,
        model: type[models.Model],
        schema_editor: Any,
        field: Any = None,
        unique: bool = False,
        column_prefix: str = "",
    ) -> IndexModel:
        """The backend's hook: what `create_indexes` is given."""
        options: dict[str, Any] = {"name": self.name, "unique": True}
        if self.condition is not None:
            # The backend adds this method to Django's Index when it is loaded.
            options["partialFilterExpression"] = self._get_condition_mql(  # type: ignore[attr-defined]
                model, schema_editor
            )
        return IndexModel(_keys(self, model, column_prefix), **options)


class ExpiryIndex(models.Index):
    """A TTL index over one date field: documents go about a minute after that moment."""

    suffix = "ttl"

    def get_pymongo_index_model(
        self,
        model: type[models.Model],
        schema_editor: Any,
        field: Any = None,
        unique: bool = False,
        column_prefix: str = "",
    ) -> IndexModel:
        """The backend's hook: what `create_indexes` is given."""
        return IndexModel(_keys(self, model, column_prefix), name=self.name, expireAfterSeconds=0)


def _keys(index: models.Index, model: type[models.Model], prefix: str) -> list[tuple[str, int]]:
    columns = {field.name: str(field.column) for field in model._meta.local_fields}
    return [
        (prefix + columns[name], DESCENDING if order else ASCENDING)
        for name, order in index.fields_orders
    ]

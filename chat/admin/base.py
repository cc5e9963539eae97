"""Owns what the pages of the desk share: reading only, lists along an index, and doing something
for a reason. Knows no model."""

from collections.abc import Coroutine, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Field, ForeignKey, Model, QuerySet, TextChoices
from django.db.models.expressions import Col, OrderBy, Ref
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from accounts import live
from accounts.identity import Identity
from chat import bridge, errors
from chat.models import ModerationAction
from chat.services.audit import Action

COUNTED_MAX: Final = 2_000
"""Rows that a list can be paged through; beyond it one searches or filters."""
REASON_MAX: Final = 500
Row = TypeVar("Row", bound=Model)

if TYPE_CHECKING:  # Django's classes take their type argument from the stubs only
    AnyAdmin = admin.ModelAdmin[Any]
    AnyPaginator = Paginator[Any]
else:
    AnyAdmin = admin.ModelAdmin
    AnyPaginator = Paginator


class BoundedPaginator(AnyPaginator):
    """Counts no further than `COUNTED_MAX`: no collection is read to number its pages."""

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return len(rows.order_by().values_list("pk", flat=True)[:COUNTED_MAX])


class IndexedList(ChangeList):
    """Rows in the one order that an index has. Django's would add the key to it, which no index
    has, and take any other from the address."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return [_by(self.model, str(name)) for name in self.model_admin.get_ordering(request)]

    def get_results(self, request: HttpRequest) -> None:
        """The rows of the page, with what they refer to."""
        super().get_results(request)
        rows = list(self.result_list)
        for name in cast(IndexedAdmin, self.model_admin).related:
            field = cast("ForeignKey[Any]", self.model._meta.get_field(name))
            ids = {getattr(row, field.attname) for row in rows}
            found = field.related_model._default_manager.in_bulk(ids)
            for row in rows:
                field.set_cached_value(row, found.get(getattr(row, field.attname)))
        self.result_list = rows


class IndexedAdmin(AnyAdmin):
    """Lists that cost the same however much there is: `ordering`, after what a filter asks to be
    equal, is that of an index. `related`, instead of `list_select_related`, is read for the rows of
    a page alone: joined by the database they would be for all rows, before those are sorted.
    (Django's `prefetch_related` reads the other collection from end to end on this backend.)"""

    related: tuple[str, ...] = ()
    list_select_related = ()
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return IndexedList


class ReadOnlyAdmin(IndexedAdmin):
    """Rows are looked at here, and changed by deeds that have names."""

    actions = None

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One row, for those who may see it."""
        return self.row_view(request, object_id) if self.lets(request) else HttpResponseForbidden()

    def row_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page of one row: Django's, unless the desk has one of its own."""
        return super().change_view(request, object_id)

    def lets(self, request: HttpRequest) -> bool:
        """Whether whoever asks may see the pages here, and for a POST do what they offer."""
        is_post = request.method == "POST"
        return self.has_view_permission(request) and (not is_post or self.may_post(request))

    def may_post(self, request: HttpRequest) -> bool:
        """Whether they may do any of it."""
        return self.has_change_permission(request)

    def page(
        self, request: HttpRequest, template: str, *, title: str, **shown: Any
    ) -> TemplateResponse:
        """A page of the desk's own, in the admin's frame."""
        frame = self.admin_site.each_context(request)
        context = {**frame, "title": title, "opts": self.opts, **shown}
        return TemplateResponse(request, f"admin/chat/{template}.html", context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _by(model: type[Model], name: str) -> OrderBy:
    """By a field as it is stored. Told only its name, the backend sorts by a copy that it has made
    of it, and the index of the field is of no use to the database."""
    options, plain = model._meta, name.removeprefix("-")
    field = cast("Field[Any, Any]", options.pk if plain == "pk" else options.get_field(plain))
    stored = Ref(str(field.column), Col(options.db_table, field))
    return OrderBy(stored, descending=plain != name)


class OneOfFilter(admin.SimpleListFilter):
    """One of its choices always holds; there is no way to ask for all."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for value, said in self.lookup_choices:
            link = changelist.get_query_string({self.parameter_name: value})
            chosen = self.value() == str(value)
            yield {"selected": chosen, "query_string": link, "display": said}


class StateFilter(OneOfFilter):
    """Rows of one state, the first unless another is asked for: an index has them in order."""

    title = "status"
    parameter_name = "status"
    states: type[TextChoices]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.states.choices)

    def value(self) -> str:
        return super().value() or next(iter(self.states.values))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value())


class ReasonForm(forms.Form):
    """Why something is done: everything on the desk is."""

    reason = forms.CharField(max_length=REASON_MAX, widget=forms.TextInput(attrs={"size": 60}))


def may(request: HttpRequest, permission: str) -> bool:
    """Whether whoever sits at the desk may do this."""
    return cast(PermissionsMixin, request.user).has_perm(permission)


def row_or_404(model: type[Row], id: object) -> Row:
    """The row of this id.

    Raises:
        Http404: there is none, or no row can have such an id.
    """
    try:
        return get_object_or_404(model, pk=id)
    except ValidationError:
        raise Http404 from None


def identity_of(request: HttpRequest) -> Identity:
    """Who sits at the desk."""
    found = live.identity_of_page(request)
    assert found is not None, "the admin lets nobody in who is not signed in"
    return found


def done(request: HttpRequest, work: Coroutine[Any, Any, Any], said: str) -> bool:
    """Do something and say so on the next page; whether it could be done."""
    try:
        bridge.run(work)
    except errors.ChatError as error:
        more = "; ".join(line for lines in (error.fields or {}).values() for line in lines)
        messages.error(request, f"{error.message} {more}".strip())
        return False
    messages.success(request, said)
    return True


def write_down(
    request: HttpRequest,
    action: Action,
    *,
    room: str = "",
    subject: str = "",
    reason: str = "",
    old: Mapping[str, Any] | None = None,
    **new: Any,
) -> None:
    """An entry of the audit, for what no service writes down itself. Django's own forms ask for no
    reason."""
    ModerationAction.objects.create(
        actor_id=request.user.pk, action=action, room_id=room, subject=subject,
        old=dict(old or {}), new=new, reason=reason, at=datetime.now(UTC),
    )  # fmt: skip

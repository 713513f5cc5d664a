from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from axes import admin as _axes  # noqa: F401 - registers its tables now, so that they can be taken off below
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import admin as _auth  # noqa: F401 - the same for the groups
from django.contrib.auth.models import Group
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from config.kernel.admin import cells, filters
from config.kernel.admin.edits import EditForm
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.verbs import Question, Verb
from config.kernel.transactions import atomic_with_retries
from crm.admin.base import RecordAdmin
from crm.choices import Role
from crm.models import User
from crm.services import accounts, handing


class UserForm(EditForm):
    role = forms.ChoiceField(
        choices=Role.choices, widget=UnfoldAdminSelectWidget, help_text="An admin sees and may do everything."
    )
    time_zone = forms.ChoiceField(
        choices=[(name, name.replace("_", " ")) for name in accounts.zones()],
        initial="America/New_York",
        widget=UnfoldAdminSelectWidget,
        help_text="Times are shown in it.",
    )

    class Meta:
        model = User
        fields = ["email", "name", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_edit:
            kept = self.instance.time_zone
            field: Any = self.fields["time_zone"]
            if kept not in accounts.zones():  # from before that was the rule: it stays until somebody chooses another
                field.choices = [(kept, kept), *field.choices]
            self.initial["role"] = self.instance.groups.values_list("name", flat=True).first()


class NewUserForm(UserForm):
    password = forms.CharField(
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Twelve characters or more. They can change it after signing in.",
    )


class NewPassword(Question):
    password = forms.CharField(
        label="New password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Twelve characters or more.",
    )
    again = forms.CharField(label="The same again", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def clean(self) -> dict[str, Any] | None:
        answers = super().clean() or {}
        if answers.get("password") != answers.pop("again", None):
            self.add_error("again", "The two are not the same.")
        return answers


class NewKeeper(Question):
    """Whose it is from now on. ``KEEP`` leaves it with them, ``NOBODY`` opens it to every rep."""

    KEEP, NOBODY = "keep", "nobody"
    keep: ClassVar[list[tuple[str, str]]] = []
    hand_over_to = forms.ChoiceField(label="What they own goes to", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["hand_over_to"]
        others = User.objects.filter(is_active=True).exclude(pk=self.row and self.row.pk).order_by("name", "pk")
        people = [(str(user.pk), str(user)) for user in others]
        field.choices = [*self.keep, (self.NOBODY, "Nobody: every rep sees and calls them"), *people]
        if self.row:
            field.help_text = f"They look after {handing.held_by(self.row.pk)}."


class Leaving(NewKeeper):
    keep: ClassVar[list[tuple[str, str]]] = [(NewKeeper.KEEP, "Stays theirs: no other rep sees or calls them")]


@atomic_with_retries
def _deactivate(row: User, *, by: User, at: datetime, hand_over_to: str) -> None:
    accounts.deactivate(user=row, by=by, at=at)
    if hand_over_to not in ("", NewKeeper.KEEP):
        _hand_over(row, by=by, at=at, hand_over_to=hand_over_to)


def _hand_over(row: User, *, by: User, at: datetime, hand_over_to: str) -> None:
    to = None if hand_over_to == NewKeeper.NOBODY else User.objects.get(pk=hand_over_to)
    handing.hand_over(user=row, to=to, by=by, at=at)


def _still_theirs(rows: Sequence[User]) -> str:
    """What no other rep sees, now that its owner is gone, and where to change that."""
    kept = [(row, held) for row in rows if (held := handing.held_by(row.pk))]
    said = "; ".join(f"{row} still has {held}" for row, held in kept)
    return f"{said}. No other rep sees or calls them: “Hand over” on the user's page gives them away." if said else ""


def _email_or_name(text: str) -> Q:
    return Q(email__icontains=text.strip()) | Q(name__icontains=text.strip())  # a table of colleagues stays small


@admin.register(User)
class UserAdmin(RecordAdmin):
    """Who may sign in, and as what."""

    add_fieldsets = [(None, {"fields": ["email", "name", "role", "time_zone", "password"]})]
    changed_by = staticmethod(
        lambda *, row, changes, by, at: accounts.edit_user(user=row, changes=changes, by=by, at=at)
    )
    created_by = staticmethod(lambda *, by, at, **said: (accounts.create_user(by=by, at=at, **said), True))
    empty_hint = ""
    fieldsets = [(None, {"fields": ["email", "name", "role", "time_zone"]})]
    form = UserForm
    list_display = ["name", "email", "shown_role", "time_zone", "shown_state", "last_login"]
    list_filter = [filters.Flag.of("is_active", "state", yes="Active", no="Deactivated")]
    ordering = ["name", "pk"]
    search_exactly = staticmethod(_email_or_name)
    search_fields = ["email"]
    search_help_text = "Name or e-mail"
    shared = True  # a user is seen by whoever may see users at all
    symbol = "badge"
    verbs = [
        Verb(
            name="password", label="Set password", permission="crm.change_user", icon="key", in_lists=False,
            do=lambda row, *, by, at, password: accounts.set_password(user=row, password=password, by=by, at=at),
            effect="They are signed out everywhere. Tell them the new password yourself.",
            done="got a new password", form=NewPassword,
        ),
        Verb(
            name="unlock", label="Unlock sign-in", permission="crm.change_user", icon="lock_open", in_lists=False,
            do=lambda row, *, by, at: accounts.unlock(user=row, by=by, at=at),
            effect="After ten wrong passwords nobody can sign in with an address for 15 minutes. This forgets them.",
            done="may try again at once",
        ),
        Verb(
            name="deactivate", label="Deactivate", permission="crm.change_user", icon="person_off", grave=True,
            do=_deactivate, form=Leaving, still=_still_theirs,
            effect="They are signed out and cannot come back in. What they did stays theirs.",
            done="deactivated", applies=lambda row: row.is_active,
        ),
        Verb(
            name="hand-over", label="Hand over", permission="crm.see_everything", icon="move_up", in_lists=False,
            do=_hand_over, form=NewKeeper, done="handed over",
            effect="Every contact and project that they own, and every callback that they promised, becomes another's.",
        ),
        Verb(
            name="activate", label="Activate", permission="crm.change_user", icon="person",
            do=lambda row, *, by, at: accounts.activate(user=row, by=by, at=at),
            effect="They can sign in again, with the password and the role they had.",
            done="activated", applies=lambda row: not row.is_active,
        ),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **({} if obj else {"form": NewUserForm}), **kwargs)

    @display(description="Role")
    def shown_role(self, row: User) -> SafeString:
        names = [group.name for group in row.groups.all()]
        found = [cells.badge(Role(name).label if name in Role.values else name, "info") for name in names]
        return cells.badges(*found, cells.yes(row.is_superuser, "Superuser", "warn"))

    @display(description="State")
    def shown_state(self, row: User) -> SafeString:
        return cells.badge("Active", "good") if row.is_active else cells.badge("Deactivated", "bad")

    def header(self, request: HttpRequest, row: User) -> Header:
        return Header(
            title=row.name,
            subtitle=row.email,
            badges=[self.shown_state(row), self.shown_role(row)],
            facts=[
                ("Time zone", row.time_zone.replace("_", " ")),
                ("Last signed in", cells.moment(row.last_login)),
                ("Since", cells.moment(row.created_at)),
            ],
        )

    def sections(self, request: HttpRequest, row: User) -> Iterable[Section]:
        if request.user.has_perm("crm.see_everything"):
            yield _looked_after(row)
        yield Section(
            title="What they may do",
            text="Everything that anybody may do here." if row.sees_everything else "",
            facts=() if row.sees_everything else _powers(row.get_all_permissions()),
            empty="Nothing: they have no role.",
        )


def _looked_after(row: User) -> Section:
    held = handing.held_by(row.pk)
    return Section(
        title="What they look after",
        note="" if row.is_active or not held else "No other rep sees or calls them: hand them over.",
        facts=[
            ("Contacts", _listed("crm_contact", row, held.contacts)),
            ("Projects", _listed("crm_project", row, held.projects)),
            ("Callbacks", f"{held.callbacks:,}"),
        ],
    )


def _listed(table: str, owner: User, number: int) -> SafeString:
    """The number, leading to the list of what is counted."""
    url = f"{reverse(f'admin:{table}_changelist')}?owner={owner.pk}"
    return format_html('<a class="cl-link" href="{}">{}</a>', url, f"{number:,}")


def _powers(permissions: Iterable[str]) -> list[tuple[str, str]]:
    """Permissions as people say them: what they may see, add and change, what only see, and what besides."""
    verbs, besides = defaultdict(set), []
    for permission in permissions:
        app, _, codename = permission.partition(".")
        verb, _, table = codename.partition("_")
        try:
            verbs[str(apps.get_model(app, table)._meta.verbose_name_plural)].add(verb)
        except LookupError:
            besides.append(codename.replace("_", " "))
    found = defaultdict(list)
    for table, may in sorted(verbs.items()):
        found[tuple(word for verb, word in _VERBS.items() if verb in may)].append(table)
    said = [(_and(words), ", ".join(tables)) for words, tables in sorted(found.items(), key=lambda one: -len(one[0]))]
    return [*said, *([("Besides", ", ".join(sorted(besides)))] if besides else [])]


_VERBS = {"view": "see", "add": "add", "change": "change", "delete": "remove"}


def _and(words: Sequence[str]) -> str:
    *rest, last = words
    return (f"{', '.join(rest)} and {last}" if rest else last).capitalize()


# Roles are a table in crm.services.roles, not something to click together, and a locked account has its verb above.
for table in (Group, AccessAttempt, AccessLog, AccessFailureLog):
    if admin.site.is_registered(table):
        admin.site.unregister(table)

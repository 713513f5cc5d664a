"""What people do to people, numbers and projects. Every verb ends in a service of crm, which may refuse."""

from datetime import datetime
from typing import Any

from django import forms

from config.kernel.admin.edits import MomentField
from config.kernel.admin.verbs import Question, Verb
from config.kernel.errors import Conflict
from config.kernel.transactions import atomic_with_retries
from crm.choices import Channel, ConsentKind, PointKind, PointState, SuppressionReason
from crm.models import Contact, ContactPoint, Endpoint, Suppression, User
from crm.services import consenting, deleting, editing, points, suppressing

SOURCE = "back office"


class NothingToSuppress(Conflict):
    code = "nothing_to_suppress"


class Suppressing(Question):
    reason = forms.ChoiceField(choices=SuppressionReason.choices, initial=SuppressionReason.ASKED)
    channel = forms.ChoiceField(choices=[("", "Every channel"), *Channel.choices], required=False)
    words = forms.CharField(
        label="What they said", required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Word for word, if they said something. It is kept as evidence.",
    )  # fmt: skip


class Reason(Question):
    reason = forms.CharField(label="Why", max_length=200, help_text="It is kept for ever beside what it undoes.")


class NewPoint(Question):
    kind = forms.ChoiceField(choices=[(kind.value, kind.label) for kind in (PointKind.PHONE, PointKind.EMAIL)])
    value = forms.CharField(label="Number or e-mail", max_length=254)
    extension = forms.CharField(required=False, max_length=20)
    label = forms.CharField(required=False, max_length=40, help_text="For example mobile, office, assistant.")
    is_primary = forms.BooleanField(label="Try this one first", required=False)


class Words(Question):
    label = forms.CharField(required=False, max_length=40, help_text="For example mobile, office, assistant.")
    extension = forms.CharField(required=False, max_length=20)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.row is not None:
            self.initial = {"label": self.row.label, "extension": self.row.extension}
            if self.row.kind != PointKind.PHONE:
                del self.fields["extension"]


class Rest(Question):
    until = MomentField(label="Rests until", required=False, help_text="Empty: it works again.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.row is not None:
            self.initial = {"until": self.row.failed_until}


class Evidence(Question):
    kind = forms.ChoiceField(label="What they said", choices=ConsentKind.choices)
    channel = forms.ChoiceField(choices=[("", "Every channel"), *Channel.choices], required=False)
    source = forms.CharField(label="Where", max_length=80, help_text="For example a form, a call, a letter.")
    evidence = forms.CharField(
        label="Their words", required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="Kept for ever."
    )


class NewOwner(Question):
    owner = forms.ModelChoiceField(
        queryset=User.objects.none(), required=False, empty_label="Nobody: everybody sees them"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["owner"]
        field.queryset = User.objects.filter(is_active=True).order_by("name", "pk")


@atomic_with_retries
def suppress_contact(row: Contact, *, by: User, at: datetime, reason: str, channel: str, words: str) -> None:
    """Suppress every number and address that is this person's, or none of them.

    :raises NothingToSuppress: there is none that the channel uses.
    """
    theirs = ContactPoint.objects.filter(contact=row, endpoint__isnull=False)
    theirs = theirs.reaching(channel) if channel else theirs
    endpoints = [point.endpoint for point in theirs.good().select_related("endpoint").order_by("endpoint_id")]
    if not endpoints:
        raise NothingToSuppress(f"{row} has no number or address to suppress. Set “do not call” on the person instead.")
    for endpoint in endpoints:
        suppress_endpoint(endpoint, by=by, at=at, reason=reason, channel=channel, words=words)  # type: ignore[arg-type]  # filtered above


def suppress_endpoint(row: Endpoint, *, by: User, at: datetime, reason: str, channel: str, words: str) -> None:
    suppressing.suppress(endpoint=row, reason=reason, source=SOURCE, at=at, by=by, channel=channel, words=words)


def lift(row: Suppression, *, by: User, at: datetime, reason: str) -> None:
    suppressing.lift(suppression=row, reason=reason, by=by, at=at)


def add_point(row: Contact, *, by: User, at: datetime, **answers: Any) -> None:
    points.add_point(contact=row, at=at, by=by, **answers)


def note_consent(row: Contact, *, by: User, at: datetime, kind: str, **answers: Any) -> None:
    consenting.keep(contact=row, kind=kind, at=at, by=by, again_within=consenting.REPEAT, **answers)


def assign(row: Any, *, by: User, at: datetime, owner: User | None) -> None:
    editing.edit(row=row, changes={"owner": owner}, by=by, at=at)


def claim(row: Any, *, by: User, at: datetime) -> None:
    editing.claim(row=row, by=by, at=at)


SUPPRESS_CONTACT = Verb(
    name="suppress", label="Suppress", permission="crm.add_suppression", icon="block", grave=True,
    do=suppress_contact, form=Suppressing, done="suppressed",
    effect="Every number and address of theirs is left alone from this moment, for everybody who shares it too, until "
    "an admin lifts it with a reason.",
)  # fmt: skip
SUPPRESS_ENDPOINT = Verb(
    name="suppress", label="Suppress", permission="crm.add_suppression", icon="block", grave=True,
    do=suppress_endpoint, form=Suppressing, done="suppressed",
    effect="Nobody uses it from this moment, whoever it belongs to, until an admin lifts it with a reason.",
)  # fmt: skip
LIFT = Verb(
    name="lift", label="Lift", permission="crm.change_suppression", icon="lock_open", do=lift, form=Reason,
    done="lifted", applies=lambda row: row.lifted_at is None,
    effect="It may be used again, unless another suppression or the person's own wishes stand against it.",
)  # fmt: skip
ADD_POINT = Verb(
    name="add-point", label="Add number", permission="crm.add_contactpoint", icon="add_call", in_lists=False,
    do=add_point, form=NewPoint, done="can be reached there",
    effect="A number or address that others use as well is shared with them.",
)  # fmt: skip
CONSENT = Verb(
    name="consent", label="Consent", permission="crm.add_consent", icon="verified_user", in_lists=False,
    do=note_consent, form=Evidence, done="told us what they allow",
    effect="It is kept as evidence. Taking consent back is no suppression: do that too if they want to be left alone.",
)  # fmt: skip
WRONG = Verb(
    name="wrong", label="Wrong person", permission="crm.change_contactpoint", icon="person_cancel", grave=True,
    do=lambda row, *, by, at: points.mark_wrong_person(point=row, by=by, at=at), done="marked as somebody else's",
    applies=lambda row: row.state == PointState.GOOD and row.endpoint_id is not None,
    effect="It is not offered for this person again, and no source brings it back. Their next best one comes first.",
)  # fmt: skip
RIGHT = Verb(
    name="right", label="Theirs after all", permission="crm.change_contactpoint", icon="how_to_reg",
    do=lambda row, *, by, at: points.mark_good(point=row, by=by, at=at), done="marked as theirs",
    applies=lambda row: row.state == PointState.WRONG_PERSON,
    effect="It can be used for this person again.",
)  # fmt: skip
FIRST = Verb(
    name="first", label="Try first", permission="crm.change_contactpoint", icon="star", in_lists=False,
    do=lambda row, *, by, at: points.make_primary(point=row, by=by, at=at), done="is tried first",
    applies=lambda row: not row.is_primary and row.state == PointState.GOOD and row.endpoint_id is not None,
    effect="It becomes the primary one of its kind; the previous one stays as a further one.",
)  # fmt: skip
VERIFY = Verb(
    name="verify", label="Verified", permission="crm.change_contactpoint", icon="verified",
    do=lambda row, *, by, at: points.verify(point=row, by=by, at=at), done="verified",
    applies=lambda row: row.state == PointState.GOOD and row.endpoint_id is not None,
    effect="You have seen today that it reaches this person.",
)  # fmt: skip
REMOVE = Verb(
    name="remove", label="Remove", permission="crm.delete_contactpoint", icon="delete", grave=True,
    do=lambda row, *, by, at: points.remove_point(point=row, by=by, at=at), done="removed",
    effect="This person is no longer reached there. The number or address itself, and its suppressions, stay.",
)  # fmt: skip
DESCRIBE = Verb(
    name="describe", label="Correct label", permission="crm.change_contactpoint", icon="edit", in_lists=False,
    do=lambda row, *, by, at, **words: points.describe(point=row, by=by, at=at, **words), form=Words, done="corrected",
    effect="The number or address itself never changes: add another, and remove this one.",
)  # fmt: skip
REST = Verb(
    name="rest", label="Let rest", permission="crm.change_endpoint", icon="bedtime", in_lists=False,
    do=lambda row, *, by, at, until: points.mark_failed(endpoint=row, until=until, by=by, at=at), form=Rest,
    done="set to rest, or to work again", applies=lambda row: row.kind == PointKind.PHONE,
    effect="Nobody is called on a line that rests, whoever it belongs to; their other numbers are tried instead.",
)  # fmt: skip
ASSIGN = Verb(
    name="assign", label="Assign", permission="crm.see_everything", icon="assignment_ind", do=assign, form=NewOwner,
    done="assigned", effect="The owner sees and calls them; other reps do not see them any more.",
)  # fmt: skip
CLAIM = Verb(
    name="claim", label="Make mine", permission="crm.change_contact", icon="back_hand", do=claim, done="now yours",
    applies=lambda row: row.owner_id is None, effect="You own them: other reps do not see them any more.",
)  # fmt: skip


def deletion(model: str, effect: str) -> list[Verb]:
    """Soft deletion and its undoing, for contacts and projects."""
    return [
        Verb(
            name="delete", label="Delete", permission=f"crm.delete_{model}", icon="delete", grave=True,
            do=lambda row, *, by, at: deleting.delete(row=row, by=by, at=at), done="deleted",
            applies=lambda row: row.deleted_at is None, effect=effect,
        ),
        Verb(
            name="restore", label="Restore", permission=f"crm.delete_{model}", icon="restore_from_trash",
            do=lambda row, *, by, at: deleting.restore(row=row, by=by, at=at), done="restored",
            applies=lambda row: row.deleted_at is not None, effect="Everything is as it was before.",
        ),
    ]  # fmt: skip

"""People in campaigns: where each stands, how they came there, and what can be done about it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from campaigns.admin import campaign_page
from campaigns.admin.messages import message_rows
from campaigns.admin.words import in_words, with_reason
from campaigns.choices import ENDED, LIVE, EnrollmentEventKind, EnrollmentState, NodeType
from campaigns.models import Campaign, Enrollment, EnrollmentRun, EnrollmentStatus, Node
from campaigns.reports import walks
from campaigns.rules.moves import is_paused
from campaigns.rules.node_types import CHANNEL_OF
from campaigns.services import handling, marking, people
from config.kernel import clock
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import visible
from config.kernel.admin.verbs import Question, Verb
from crm.admin.base import RecordAdmin
from crm.querysets import owned_or_free

CHANGE = "campaigns.change_enrollment"
OFFERED = 200  # campaigns in a filter
_S = EnrollmentState
_TONES = {
    _S.PENDING: "plain", _S.ACTIVE: "info", _S.WAITING: "info", _S.WAITING_SEND: "info", _S.PAUSED: "warn",
    _S.PARKED: "bad", _S.EXITED: "plain", _S.COMPLETED: "good",
}  # fmt: skip


class InCampaign(filters.Chosen):
    """The newest campaigns that one sees; an older one where a page leads to it."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        seen = visible(Campaign.objects.all(), request.user).order_by("-pk")[:OFFERED]
        return [(str(row.pk), row.name) for row in seen]

    def named(self, value: str, request: HttpRequest) -> str:
        return filters.name_in(visible(Campaign.objects.all(), request.user), value)


class Status(filters.Chosen):
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in EnrollmentStatus.objects.values_list("pk", "name")]


class Live(filters.Flag):
    """Whether they are still on the way."""

    yes, no = "On the way", "Over"

    def condition(self, value: Any, request: HttpRequest) -> Q:
        return Q(state__in=LIVE if value == "yes" else ENDED)


class Leaving(Question):
    reason = forms.CharField(max_length=80, help_text="Why they leave; it stays in their history.")


class SettingStatus(Question):
    status = forms.ModelChoiceField(queryset=EnrollmentStatus.objects.none(), empty_label=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["status"]
        field.queryset = EnrollmentStatus.objects.filter(is_active=True)


def _by_hand(verb: Callable[..., int]) -> Callable[..., None]:
    def do(row: Enrollment, *, by: Any, at: datetime, **told: Any) -> None:
        marking.handle(row, verb, by=by, at=at, **told)

    return do


def _in(*states: str) -> Callable[[Any], bool]:
    return lambda row: row.state in states


def _is_paused(row: Enrollment) -> bool:
    return is_paused(row.state, row.wake_rule)


VERBS = [
    Verb(
        name="retry", label="Try again", permission=CHANGE, icon="refresh", do=_by_hand(handling.retry),
        done="tried again", applies=_in(_S.PARKED),
        effect="What could not be done for them is tried once more. Whoever is paused goes on when they are resumed.",
    ),
    Verb(
        name="status", label="Set status", permission=CHANGE, icon="flag", do=_by_hand(handling.set_status),
        form=SettingStatus, done="given that status",
        effect="It is told in the funnel. Whoever has reached the goal of the campaign leaves it.",
    ),
    Verb(
        name="pause", label="Pause", permission=CHANGE, icon="pause", do=_by_hand(handling.pause), done="paused",
        applies=lambda row: row.state in LIVE and not _is_paused(row),
        effect="They stand still; what is left of their wait is kept. Whoever needs somebody still does.",
    ),
    Verb(
        name="resume", label="Resume", permission=CHANGE, icon="play_circle", do=_by_hand(handling.resume),
        done="resumed", applies=_is_paused,
        effect="They go on; what was left of their wait begins now. Whoever needs somebody still does.",
    ),
    Verb(
        name="leave", label="Take out", permission=CHANGE, icon="logout", do=_by_hand(handling.leave), form=Leaving,
        done="taken out", applies=_in(*LIVE), grave=True,
        effect="They leave the campaign, and what waits to be sent to them for it is cancelled.",
    ),
]  # fmt: skip


@admin.register(Enrollment)
class EnrollmentAdmin(RecordAdmin):
    """Walks of people whom one sees. What happened on them is never changed."""

    audited = False
    empty_hint = "Open a campaign and enrol people."
    linked_by = ("contact", "node", "run")
    list_display = ["contact", "campaign", "shown_state", "shown_node", "shown_status", "shown_wake", "shown_since"]
    list_filter = [
        InCampaign.of("campaign"),
        filters.Choice.of("state"),
        Live.of("live", "still in it"),
        Status.of("status"),
    ]
    list_select_related = ["contact", "campaign", "node", "status"]
    search_fields = ["contact__search"]
    search_help_text = "Person"
    search_through = ("contact",)
    symbol = "directions_walk"
    verbs = VERBS
    views = [
        ("All", {}),
        ("On the way", {"live": "yes"}),
        ("Need somebody", {"state": "parked"}),
        ("Paused", {"state": "paused"}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Only people whom one sees: their names stand in the list. With what the stage that they passed is called."""
        passed = Node.objects.filter(graph=OuterRef("graph"), key=OuterRef("stage")).values("name")
        rows: QuerySet[Any] = super().get_queryset(request).annotate(stage_name=Subquery(passed))
        user = request.user
        sees_all: bool = user.sees_everything  # type: ignore[union-attr]  # the admin lets nobody else in
        return rows if sees_all else rows.filter(owned_or_free(user, "contact__owner"))  # type: ignore[arg-type]  # as above

    @display(description="State")
    def shown_state(self, row: Enrollment) -> SafeString:
        return with_reason(state(row), _why(row.reason, row.node))

    @display(description="Node")
    def shown_node(self, row: Enrollment) -> Any:
        return walks.name_of(row.node) or cells.NOTHING

    @display(description="Status")
    def shown_status(self, row: Any) -> SafeString:
        stage = row.stage_name or row.stage
        return cells.badges(row.status, stage and cells.soft(stage))

    @display(description="Next")
    def shown_wake(self, row: Enrollment) -> Any:
        return cells.moment(row.wake_at)

    @display(description="Enrolled")
    def shown_since(self, row: Enrollment) -> Any:
        return cells.moment(row.enrolled_at)

    def header(self, request: HttpRequest, row: Enrollment) -> Header:
        return Header(
            title=cells.badges(cells.link(row.contact), "in", cells.link(row.campaign)),
            subtitle=_now(row),
            badges=[state(row), *([cells.badge(row.status, "info")] if row.status else [])],
            facts=[
                ("At", walks.name_of(row.node) or cells.NOTHING),
                ("Stage", walks.name_of(_stage(row)) or cells.NOTHING),
                ("Enrolled", cells.exact(row.enrolled_at)),
                ("Round", row.run_no),
                ("Ended", cells.exact(row.ended_at)),
                ("Why", _why(row.reason, row.node) or cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: Enrollment) -> Iterable[Section]:
        return _sections(row, request.user)


def _stage(row: Enrollment) -> Node | None:
    """The stage that they passed last."""
    return Node.objects.filter(graph=row.graph_id, key=row.stage).first() if row.stage else None


def _why(reason: str, node: Node | None) -> str:
    """Say why somebody left or stands still, as of the channel on which they were approached there."""
    channel = CHANNEL_OF.get(NodeType(node.type)) if node else None
    return in_words(reason, channel or "")


def state(row: Enrollment) -> SafeString:
    """The state as a badge; of whoever needs somebody also whether they are paused."""
    badge = cells.badge(row.get_state_display(), _TONES[EnrollmentState(row.state)], _why(row.reason, row.node))
    also_paused = row.state != _S.PAUSED and _is_paused(row)
    return cells.badges(badge, also_paused and cells.badge(_S.PAUSED.label, _TONES[_S.PAUSED]))


def zone_of(row: Enrollment) -> ZoneInfo:
    """The contact's zone, as the engine knows it."""
    return people.zone_here(row.campaign, row.contact_id, row.pair_id)


def _now(row: Enrollment) -> str:
    """What they wait for, in a sentence."""
    left = row.events.filter(kind=EnrollmentEventKind.PASSED).select_related("node").order_by("-id").first()
    return walks.waits(row, zone_of(row), at=clock.now(), after=left.node if left else None, why=_why)


def _sections(row: Enrollment, user: Any) -> Iterator[Section]:
    events = list(row.events.select_related("node", "by").order_by("id"))
    lines = walks.history(events, zone_of(row), why=_why)
    yield Section(title="What happened", template="admin/parts/events.html", context={"events": lines})
    yield Section(
        title="Messages",
        headers=["What", "To or from", "State", "When", "Why"],
        rows=message_rows(row.messages.select_related("endpoint").order_by("id")),
        empty="Nothing was said on this walk.",
    )
    theirs = visible(Enrollment.objects.filter(contact=row.contact_id), user)
    others = theirs.exclude(pk=row.pk).select_related("campaign", "node")
    yield Section(
        title="Their other campaigns",
        aside=True,
        rows=[[cells.link(one, one.campaign.name), state(one)] for one in others.order_by("-id")[:10]],
        empty="They are in no other that you can see.",
    )


@admin.register(EnrollmentRun)
class EnrollmentRunAdmin(RecordAdmin):
    """Enrolments of many, with an account that adds up."""

    audited = False
    list_display = ["shown_begun", "campaign", "by", "shown_whom", "shown_state", "asked", "enrolled"]
    list_select_related = ["campaign", "by"]
    linked_by = ["campaign"]
    symbol = "group_add"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        short: QuerySet[Any] = rows.in_short()
        return short

    @display(description="Begun")
    def shown_begun(self, row: EnrollmentRun) -> Any:
        return cells.moment(row.created_at)

    @display(description="Whom")
    def shown_whom(self, row: EnrollmentRun) -> str:
        return campaign_page.whom(row)

    @display(description="State")
    def shown_state(self, row: EnrollmentRun) -> SafeString:
        return campaign_page.run_state(row)

    def header(self, request: HttpRequest, row: EnrollmentRun) -> Header:
        return Header(
            title=cells.badges("Enrolment in", cells.link(row.campaign)),
            subtitle=campaign_page.whom(row),
            badges=[campaign_page.run_state(row)],
            facts=[
                ("Begun", cells.exact(row.created_at)),
                ("By", row.by or cells.NOTHING),
                ("Ended", cells.exact(row.ended_at)),
            ],
        )

    def sections(self, request: HttpRequest, row: EnrollmentRun) -> Iterable[Section]:
        words = {"asked": "asked for", "enrolled": "enrolled", **campaign_page.LEFT_OUT}
        counted = [(why[0].upper() + why[1:], cells.number(getattr(row, name))) for name, why in words.items()]
        yield Section(title="The account", facts=counted, text=row.error)

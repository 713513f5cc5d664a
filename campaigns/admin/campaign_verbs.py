"""What can be done to a campaign. A button that cannot be used now says why."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from campaigns.admin.campaign_page import faults_of
from campaigns.choices import RUNNING, CampaignStatus
from campaigns.models import Campaign, EnrollmentStatus
from campaigns.services import audiences, campaigns, enrolling, executing, marking, ownership
from campaigns.services.pasted import found_in
from config.kernel.admin.cells import local
from config.kernel.admin.edits import MomentField
from config.kernel.admin.verbs import Question, Verb
from crm.choices import IntakeState, Lifecycle
from crm.models import IntakeRun, Project, User

CHANGE, DELETE = "campaigns.change_campaign", "campaigns.delete_campaign"
_S = CampaignStatus
_NAMED = 5  # lines of a list that are said to be unknown
OFFERED = 50  # intakes to choose from
_EITHER = [("", "Either way"), ("yes", "Yes"), ("no", "No")]
_ASKED = ["owner", "lifecycle", "source", "region", "has_phone", "has_email", "lead_score_min", "lead_score_max",
          "search"]  # fmt: skip


def _is(*statuses: str) -> Callable[[Any], bool]:
    return lambda row: row.status in statuses


def _yours(row: Any, user: Any) -> str:
    return ownership.why_not_yours(row, user)


def _sound(row: Any, user: Any) -> str:
    """Why it cannot start: it is somebody else's, or something is wrong with it."""
    found = faults_of(row)
    faulty = f"{len(found)} fault{'s' * (len(found) != 1)}, see below: {found[0].message}" if found else ""
    return _yours(row, user) or faulty


def _plainly(verb: Callable[..., Any]) -> Callable[..., Any]:
    return lambda row, *, by, at, **said: verb(row=row, by=by, at=at, **said)


class Scheduling(Question):
    starts_at = MomentField(label="Starts at", help_text="In your time zone.")


class Executing(Question):
    channel = forms.ChoiceField(label="On", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sent = executing.channels_of(self.row) if self.row else ()
        field: Any = self.fields["channel"]
        field.choices = [("", "Every channel"), *((each.value, f"{each.label} only") for each in sent)]


class Pasted(forms.CharField):
    """Numbers and e-mail addresses, one in a line, or with commas between them."""

    widget = forms.Textarea(attrs={"rows": 4, "placeholder": "ada@example.com\n(512) 555-0123"})

    def clean(self, value: Any) -> Any:
        text = super().clean(value) or ""
        parts = (part.strip() for line in text.splitlines() for part in line.replace(";", ",").split(","))
        return list(dict.fromkeys(filter(None, parts)))


class Listed(Question):
    """Asks for a list of people, and says whom it could not find."""

    lines = Pasted(label="A list", required=False, max_length=200_000)
    leave_out = forms.BooleanField(label="Leave out whoever was not found", required=False)
    needs_list = False

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        lines = said.get("lines", [])
        found = found_in(lines, by=self.user)
        if (unknown := [line for line in lines if line not in found]) and not said.get("leave_out"):
            few = ", ".join(unknown[:_NAMED])
            more = f" and {len(unknown) - _NAMED:,} more" if len(unknown) > _NAMED else ""
            self.add_error("lines", f"Nobody whom you see is reached by {few}{more}. Tick the box to go on without.")
        if self.needs_list and not lines:
            self.add_error("lines", "Give at least one number or e-mail address.")
        said["lines"], said["people"] = lines, sorted(set(found.values()))
        return said


class Enrolling(Listed):
    """Whom: by what they are, by the intake that they came with, or by a list."""

    project = forms.CharField(
        label="Project", required=False, max_length=100, help_text="Its project id: everybody who has a part in it."
    )
    owner = forms.ModelChoiceField(queryset=User.objects.none(), required=False, empty_label="Anybody's")
    lifecycle = forms.ChoiceField(label="Stage", choices=[("", "Any"), *Lifecycle.choices], required=False)
    source = forms.CharField(required=False, max_length=100, help_text="Where they come from, for example permits.")
    region = forms.CharField(label="State", required=False, max_length=100, help_text="For example TX.")
    has_phone = forms.ChoiceField(label="Has a number", choices=_EITHER, required=False)
    has_email = forms.ChoiceField(label="Has an e-mail address", choices=_EITHER, required=False)
    lead_score_min = forms.IntegerField(
        label="Lead score, at least", required=False, min_value=0, max_value=audiences.BEST
    )
    lead_score_max = forms.IntegerField(
        label="Lead score, at most", required=False, min_value=0, max_value=audiences.BEST
    )
    search = forms.CharField(label="Words", required=False, max_length=100, help_text="In name, title or e-mail.")
    intake = forms.ChoiceField(required=False, help_text="Everybody who came with this one, newest first.")
    field_order = ["project", *_ASKED, "intake", "lines", "leave_out"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["owner"]
        field.queryset = User.objects.filter(is_active=True).order_by("name", "pk")
        if self.user is None or not self.user.has_perm("crm.view_intakerun"):
            del self.fields["intake"]
            return
        done = IntakeRun.objects.visible_to(self.user).filter(state=IntakeState.DONE).order_by("-pk")[:OFFERED]
        offered: Any = self.fields["intake"]
        offered.choices = [("", "None"), *((str(run.pk), _intake(run)) for run in done)]

    def clean_project(self) -> Project | None:
        told = self.cleaned_data["project"].strip()
        if not told:
            return None
        found = Project.objects.visible_to(self.user).filter(project_id=told).first()
        if found is None:
            raise ValidationError("There is no such project, or none that you may see.")
        return found

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        lines, people, _ = said.pop("lines"), said.pop("people"), said.pop("leave_out", None)
        intake = said.pop("intake", "")
        asked = {name: _plain(name, value) for name, value in said.items() if value not in (None, "")}
        said.clear()
        if not self.errors:
            if sum(map(bool, (lines, intake, asked))) != 1:
                raise ValidationError("Say whom: by what they are, by an intake, or by a list; by one of them.")
            if lines and not people:
                raise ValidationError("Nobody of the list was found.")
            said["audience"] = _audience(asked, intake, people)
        return said


def _intake(run: IntakeRun) -> str:
    """An intake as it is chosen: what came, when, and how much."""
    name = run.file_name or run.source
    return f"{name}, {local(run.created_at):%-d %b %Y}, {run.rows_done:,} row{'s' * (run.rows_done != 1)}"


def _plain(name: str, value: Any) -> Any:
    """What was chosen, as it is asked of people (see ``audiences.FILTERS``)."""
    if name in ("project", "owner"):
        return str(value.pk)
    return value == "yes" if name in ("has_phone", "has_email") else value


def _audience(asked: dict[str, Any], intake: str, people: Any) -> dict[str, Any]:
    if people:
        return {"contacts": [str(key) for key in people]}
    if intake:
        return {"intake": intake}
    return asked if asked.keys() == {"project"} else {"filter": asked}


class Marking(Listed):
    needs_list = True
    status = forms.ModelChoiceField(queryset=EnrollmentStatus.objects.none(), empty_label=None)
    field_order = ["status", "lines", "leave_out"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["status"]
        field.queryset = EnrollmentStatus.objects.filter(is_active=True)

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        said.pop("people", None)
        said.pop("leave_out", None)
        return said


def _executable(row: Any, user: Any) -> str:
    """Why it cannot be carried out on any channel, nor as a whole."""
    channels = executing.channels_of(row) if faults_of(row) else []
    on_one = any(not campaigns.faults_of(row, channel) for channel in channels)
    return (_yours if on_one else _sound)(row, user) or executing.why_not(row)


def _enroll(row: Campaign, *, by: Any, at: datetime, audience: dict[str, Any]) -> None:
    enrolling.begin(campaign=row, audience=audience, by=by, at=at)


def _mark(row: Campaign, *, by: Any, at: datetime, **said: Any) -> None:
    marking.mark(campaign=row, by=by, at=at, **said)


VERBS = [
    Verb(
        name="start", label="Start", permission=CHANGE, icon="play_arrow", do=_plainly(campaigns.start), done="started",
        applies=_is(_S.DRAFT, _S.SCHEDULED), hindrance=_sound, in_lists=False,
        effect="Whoever is enrolled begins to walk, and messages go out. From then on its graph never changes.",
    ),
    Verb(
        name="execute", label="Execute", permission="campaigns.add_execution", icon="rocket_launch",
        do=lambda row, *, by, at, channel: executing.begin(campaign=row, channel=channel, by=by, at=at),
        form=Executing,
        done="is being carried out: people begin now. Its page shows how far it is under Executions, and a notice "
        "tells you what came of it once it is over",
        applies=_is(_S.DRAFT, _S.SCHEDULED, _S.ACTIVE), hindrance=_executable,
        in_lists=False,
        effect="Everybody who waits begins, on every channel or on one only; a new campaign is started. You are told "
        "what was sent, skipped, blocked and failed once that is known.",
    ),
    Verb(
        name="schedule", label="Schedule", permission=CHANGE, icon="event", do=_plainly(campaigns.schedule),
        form=Scheduling, done="scheduled", applies=_is(_S.DRAFT, _S.SCHEDULED), hindrance=_sound, in_lists=False,
        effect="It starts by itself then.",
    ),
    Verb(
        name="unschedule", label="Unschedule", permission=CHANGE, icon="event_busy", done="made a draft again",
        do=_plainly(campaigns.unschedule), applies=_is(_S.SCHEDULED), hindrance=_yours, in_lists=False,
        effect="It does not start by itself, and can be drawn on again.",
    ),
    Verb(
        name="pause", label="Pause", permission=CHANGE, icon="pause", do=_plainly(campaigns.pause), done="paused",
        applies=_is(*RUNNING), hindrance=_yours,
        effect="Everybody stops where they are, and nothing more goes out. What is under way is finished.",
    ),
    Verb(
        name="resume", label="Resume", permission=CHANGE, icon="play_circle", do=_plainly(campaigns.resume),
        done="resumed", applies=_is(_S.PAUSED, _S.DRAINING, _S.COMPLETED), hindrance=_sound,
        effect="People go on, and more may be enrolled (drain it, to let only those in it go on). What has come due "
        "meanwhile is let go bit by bit, and asks the gate again.",
    ),
    Verb(
        name="enroll", label="Enrol people", permission="campaigns.add_enrollmentrun", icon="group_add", do=_enroll,
        form=Enrolling, done="gets people: How people came in, on its page, shows how far that is",
        applies=lambda row: row.status in enrolling.OPEN, hindrance=_yours, in_lists=False,
        effect="Only people whom you see are enrolled. A worker does it; the page shows how far it is.",
    ),
    Verb(
        name="mark", label="Set status", permission="campaigns.change_enrollment", icon="flag", do=_mark, form=Marking,
        done="has the new statuses", applies=lambda row: row.status != _S.DRAFT, in_lists=False,
        effect="Those of the list get this status, for example who has answered or attended. Whoever has reached the "
        "goal leaves.",
    ),
    Verb(
        name="drain", label="Drain", permission=CHANGE, icon="hourglass_bottom", do=_plainly(campaigns.drain),
        done="drained", applies=_is(_S.ACTIVE, _S.PAUSED), hindrance=_yours,
        effect="Nobody is enrolled any more; whoever is in it goes on to the end, and then it is completed.",
    ),
    Verb(
        name="complete", label="Complete", permission=CHANGE, icon="task_alt", do=_plainly(campaigns.complete),
        done="completed", applies=_is(*RUNNING, _S.PAUSED), hindrance=_yours, grave=True,
        effect="It ends. Whoever is still on the way leaves and gets nothing more; drain it to let them finish.",
    ),
    Verb(
        name="archive", label="Archive", permission=DELETE, icon="archive", do=_plainly(campaigns.archive),
        done="archived", applies=_is(_S.DRAFT, _S.SCHEDULED, _S.COMPLETED), grave=True,
        effect="It is put out of sight. What was sent stays.",
    ),
    Verb(
        name="bring_back", label="Bring back", permission=DELETE, icon="unarchive", done="brought back",
        do=_plainly(campaigns.bring_back), applies=_is(_S.ARCHIVED),
        effect="A draft where it never started, completed where it did.",
    ),
]  # fmt: skip

"""The page of a campaign: its numbers, its graph with who stands where, its funnel, and how people came in."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from campaigns.admin.accounts import provider, stopped
from campaigns.admin.deliveries import deliveries
from campaigns.admin.links import messages_link, people, people_link
from campaigns.admin.templates import differences_section, faults_section
from campaigns.choices import LIVE, RUNNING, CampaignStatus, EnrollmentState, RunState
from campaigns.models import Campaign, EnrollmentRun, SendingStop
from campaigns.reports import numbers, pictures, words
from campaigns.rules.drawings import Drawing
from campaigns.rules.validation import Fault
from campaigns.services import campaigns, counting, executing, graphs, senders
from config.kernel.admin import cells
from config.kernel.admin.pages import Header, Section

TONES = {
    CampaignStatus.DRAFT: "plain", CampaignStatus.SCHEDULED: "info", CampaignStatus.ACTIVE: "good",
    CampaignStatus.PAUSED: "warn", CampaignStatus.DRAINING: "info", CampaignStatus.COMPLETED: "plain",
    CampaignStatus.ARCHIVED: "plain",
}  # fmt: skip
ON_THE_WAY = [f"state:{state}" for state in LIVE]
RUNS = 10  # on the page
SAID = 60  # letters of a word by which people were asked for
LEFT_OUT = {
    "inside": "in it already", "through": "been through it", "elsewhere": "in another exclusive one",
    "gone": "not there, or not yours to see",
}  # fmt: skip
_OF_ALL = cells.badge("Numbers are of everybody; lists show yours and nobody's", "plain")
_TRUTH = {True: "yes", False: "no"}
_RUN_TONES = {RunState.RUNNING: "info", RunState.DONE: "good", RunState.FAILED: "bad"}


def status(row: Campaign) -> SafeString:
    return cells.badge(row.get_status_display(), TONES[CampaignStatus(row.status)])


def faults_of(row: Any) -> list[Fault]:
    """What hinders it from starting or going on, looked up once for a page."""
    if not hasattr(row, "known_faults"):
        row.known_faults = campaigns.faults_of(row)
    found: list[Fault] = row.known_faults
    return found


def header(row: Campaign, user: Any) -> Header:
    counted = counting.numbers(row)
    walking = sum(counted.get(name, 0) for name in ON_THE_WAY)
    return Header(
        title=row.name,
        subtitle=row.description,
        badges=[status(row), *_badges(row), *([] if user.sees_everything else [_OF_ALL])],
        facts=[
            ("People", cells.number(counted.get("total_contacts", 0))),
            ("With number and e-mail", cells.number(counted.get("enriched_contacts", 0))),
            ("On the way", people_link(row, walking, live="yes")),
            ("Need somebody", people_link(row, counted.get("state:parked", 0), state="parked")),
            ("Left", people_link(row, counted.get("state:exited", 0), state="exited")),
            ("Through", people_link(row, counted.get("state:completed", 0), state="completed")),
            ("E-mails written", cells.number(counted.get("emails_generated", 0))),
        ],
    )


def sections(row: Campaign) -> Iterator[Section]:
    drawing, faults = graphs.drawing_of(row.graph), [] if row.started_at else faults_of(row)
    found = numbers.of_campaign(row, counting.numbers(row), counting.by_node(row))
    by_key = {node.key: counted for node, counted in found.nodes}
    if faults:
        yield faults_section(faults)
    yield from _setbacks(row)
    picture = {"picture": pictures.draw(drawing, faults, by_key), "graph": row.graph_id}
    yield Section(title="Graph", template="admin/campaigns/graph.html", context=picture, place=30, note=_drawn(row))
    yield Section(
        title="Funnel", template="admin/campaigns/funnel.html", context=_funnel(row, found), place=40,
        more_url=people(row), more="See all people",
    )  # fmt: skip
    yield deliveries(row, found)
    yield _nodes(row, drawing, found)
    yield _runs(row)
    yield from _executions(row)
    yield _differences(row)
    yield from _aside(row)


def _badges(row: Campaign) -> Iterator[SafeString]:
    for stop in SendingStop.objects.standing() if row.status in RUNNING else ():
        yield cells.badge(stopped(stop), "bad", f"{stop.reason} (Calls go on.)")
    if row.status == CampaignStatus.SCHEDULED:
        yield cells.badge(format_html("starts {}", cells.moment(row.starts_at)), "info")
    if row.status == CampaignStatus.PAUSED:
        yield cells.badge(format_html("since {}", cells.moment(row.paused_at)), "warn")
    if row.resumed_at and row.status in {CampaignStatus.ACTIVE, CampaignStatus.DRAINING}:
        yield _letting_go(row)
    if row.sender:
        yield cells.badge(f"In the name of {row.sender}", "plain", "Only they, the owner and admins see it.")


def _letting_go(row: Campaign) -> SafeString:
    if row.resumed_at == row.started_at:
        return cells.badge("People begin", "info", "Whoever was enrolled before it started is let in bit by bit.")
    return cells.badge("Letting go what was held", "info", "What came due during the pause is let go bit by bit.")


def _drawn(row: Campaign) -> str:
    if row.graph.frozen_at:
        return "it never changes: people walk it"
    return f"draw on it over the API until it starts; this is revision {row.graph.revision}"


def _funnel(row: Campaign, found: numbers.Numbers) -> dict[str, Any]:
    whole, rounds = found.whole["total_contacts"], sum(found.states.values())
    bars = [
        {"name": one.name, "number": number, "percent": f"{100 * number / max(rounds, 1):.2f}",
         "url": people(row, status=one.pk)}
        for one, number in found.funnel
    ]  # fmt: skip
    states = [(EnrollmentState(state).label, number) for state, number in found.states.items() if number]
    return {"bars": bars, "states": states, "whole": whole, "rounds": rounds if rounds > whole else 0}


def _nodes(row: Campaign, drawing: Drawing, found: numbers.Numbers) -> Section:
    """The picture in words: for those who do not see it, and for those who search it."""
    by_key = {node.key: (node, counted) for node, counted in found.nodes}
    skips = any(counted["skipped"] for _, counted in found.nodes)  # only an execution on one channel does
    shown = {"arrived": "Came", "passed": "Passed", **({"skipped": "Skipped"} if skips else {})}
    rows = []
    for drawn in drawing.nodes:
        node, counted = by_key[drawn.key]
        here = people_link(row, counted["held"], node=node.pk)
        others = [cells.number(counted[name]) for name in shown]
        amiss = {"blocked": (counted["deliveries"] or {}).get("blocked", 0), "lost": counted["failed"]}
        others += [messages_link(row, number, node=node.pk, became=name) for name, number in amiss.items()]
        told = (drawn.name or drawn.key, words.in_full(drawing, drawn), words.ways(drawing, drawn.key))
        rows.append([*map(cells.loose, told), here, *others])
    headers = ["Node", "Does", "Leads", "Here", *shown.values(), "Blocked", "Failed"]
    return Section(title="Nodes", headers=headers, rows=rows, empty="None are drawn yet.", place=50)


def _runs(row: Campaign) -> Section:
    """How people came in; while somebody is being enrolled the browser asks for all of the page again."""
    found = _runs_of(row)
    return Section(
        title="How people came in",
        template="admin/campaigns/runs.html" if found["runs"] else "",
        context=found,
        empty="Nobody was enrolled yet.",
        place=60,
    )


def _runs_of(row: Campaign) -> dict[str, Any]:
    runs = list(EnrollmentRun.objects.filter(campaign=row).in_short().select_related("by").order_by("-id")[:RUNS])
    shown = [
        {
            "begun": cells.link(run, cells.moment(run.created_at)), "by": run.by or cells.NOTHING, "whom": whom(run),
            "state": run_state(run), "asked": run.asked, "enrolled": run.enrolled, "left_out": left_out(run),
        }
        for run in runs
    ]  # fmt: skip
    running = any(run.state == RunState.RUNNING for run in runs)
    return {"runs": shown, "again": reverse("admin:campaigns_campaign_change", args=[row.pk]) if running else ""}


def left_out(run: EnrollmentRun) -> Any:
    """Say who was asked for and not enrolled, and why."""
    found = [f"{getattr(run, name):,} {why}" for name, why in LEFT_OUT.items() if getattr(run, name)]
    return ", ".join(found) or cells.NOTHING


def run_state(run: EnrollmentRun) -> SafeString:
    return cells.badge(run.get_state_display(), _RUN_TONES[RunState(run.state)], run.error)


def whom(run: Any) -> str:
    """Say in a few words whom a run means that was asked for ``in_short``."""
    kind, meant = next(iter(run.whom.items()))
    if kind == "contacts":
        return f"{meant:,} contact{'s' * (meant != 1)} of a list"
    if kind == "filter":
        return ", ".join(_asked(name, value) for name, value in meant.items())
    return "Everybody in a project" if kind == "project" else "Everybody of an intake"


def _asked(name: str, value: Any) -> str:
    """A filter in words; of an id only of what it is, for not everybody who reads this may know which."""
    if name in ("owner", "project", "company"):
        return f"of one {name}"
    said = _TRUTH[value] if isinstance(value, bool) else Truncator(value).chars(SAID)
    return f"{name.replace('_', ' ')}: {said}"


def _executions(row: Campaign) -> Iterator[Section]:
    rows = [
        [cells.moment(one.created_at), one.by or cells.NOTHING, one.get_channel_display() or "Every channel",
         cells.badge(one.get_state_display(), _RUN_TONES[RunState(one.state)], one.error),
         *(cells.number(number) if one.ended_at else cells.NOTHING
           for number in (*executing.result(one).values(), one.waiting))]
        for one in row.executions.select_related("by").order_by("-id")[:RUNS]
    ]  # fmt: skip
    headers = ["Begun", "By", "On", "State", "Sent", "Skipped", "Blocked", "Failed", "Waiting"]
    if rows:
        yield Section(title="Executions", headers=headers, rows=rows, place=65)


def _setbacks(row: Campaign) -> Iterator[Section]:
    """What workers could not do for it: nobody has to wonder why it stands still."""
    rows = [
        [one.what, cells.moment(one.since), cells.number(one.tries), cells.moment(one.retry_at), one.error]
        for one in row.setbacks.all()
    ]
    if rows:
        note = "it is tried again by itself; an operator finds the details in the log"
        headers = ["What", "Since", "Tries", "Again", "Why"]
        yield Section(title="What fails", headers=headers, rows=rows, place=10, note=note)


def _differences(row: Campaign) -> Section:
    title = f"Unlike {row.version}" if row.version else "Unlike its template"
    empty = "Its graph is that of the version that it was made of."
    return differences_section(title, campaigns.differences_of(row), "There", "Here", place=70, empty=empty)


def _aside(row: Campaign) -> Iterator[Section]:
    yield Section(
        title="Who",
        aside=True,
        facts=[
            ("Owner", row.owner or cells.NOTHING),
            ("Sender", row.sender or cells.NOTHING),
            ("Sent by", cells.badges(*map(provider, senders.providers_of(row.sender_id)))),
            ("Template", cells.link(row.version)),
            ("Goal", row.goal or cells.NOTHING),
        ],
    )
    event = [
        ("Kind", row.get_event_type_display() or cells.NOTHING),
        ("Day", cells.day(row.event_date)),
        ("Time", f"{row.event_time:%H:%M}" if row.event_time else cells.NOTHING),
        ("Place", row.event_place or cells.NOTHING),
    ]
    yield Section(title="Event", aside=True, facts=event, text=row.event_hook)
    yield Section(
        title="Rules",
        aside=True,
        facts=[
            ("May begin again", _again(row)),
            ("Exclusive", "Yes" if row.exclusive else "No"),
            ("Begin in 24 hours", cells.number(row.starts_per_day) if row.starts_per_day else "All at once"),
            ("Of one company", cells.number(row.company_limit) if row.company_limit else "All of them"),
            ("After a pause", f"Spread over {cells.length(row.spread)}"),
            ("Started", cells.exact(row.started_at)),
            ("Ended", cells.exact(row.ended_at)),
        ],
    )


def _again(row: Campaign) -> str:
    days = f" ({row.reentry_days} days)" if row.reentry == "rested" else ""
    return f"{row.get_reentry_display()}{days}"

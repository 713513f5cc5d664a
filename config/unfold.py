"""The admin's clothes: title, colors and sidebar. Settings read this before any app exists, so it imports no model."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse, reverse_lazy


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def _list(label: str, title: str, icon: str, asks: str = "", **more: Any) -> dict[str, Any]:
    """A list of the back office, for whoever may see its model. Its heading says ``title`` as well."""
    app, model = label.split(".")
    url = reverse_lazy(f"admin:{app}_{model}_changelist")
    return {
        "title": title,
        "icon": icon,
        "link": (lambda request: f"{url}{asks}") if asks else url,
        "permission": _may(f"{app}.view_{model}"),
        "model": label,
        "asks": asks,
        **more,
    }


def _desk(request: HttpRequest) -> str:
    try:
        return reverse("admin:call_desk")
    except NoReverseMatch:
        return reverse("admin:index")


def _never(request: HttpRequest) -> bool:
    """A ready-made question of a list leaves the mark in the sidebar to the list itself."""
    return False


NAVIGATION: list[dict[str, Any]] = [
    {
        "title": "Work",
        "items": [
            {"title": "Today", "icon": "monitoring", "link": reverse_lazy("admin:index")},
            {"title": "Call desk", "icon": "call", "link": _desk, "permission": _may("calls.use_call_desk")},
            _list("crm.projectcontact", "Callbacks", "event", "?callback_at=yes", active=_never),
            _list("calls.callsession", "Calls to finish", "edit_note", "?finish=yes", active=_never),
            _list("campaigns.calltask", "Calls for campaigns", "phone_forwarded", "?open=yes", active=_never),
            _list("campaigns.message", "Messages to decide", "help", "?unsure=yes", active=_never),
            _list("campaigns.enrollment", "Stuck in campaigns", "front_hand", "?state=parked", active=_never),
        ],
    },
    {
        "title": "People",
        "separator": True,
        "items": [
            _list("crm.contact", "Contacts", "group"),
            _list("crm.company", "Companies", "apartment"),
            _list("crm.contactpoint", "Contact points", "contact_phone"),
            _list("crm.endpoint", "Numbers and e-mails", "dialpad"),
            _list("crm.suppression", "Suppressions", "block"),
            _list("crm.consent", "Consents", "verified_user"),
        ],
    },
    {
        "title": "Projects",
        "separator": True,
        "items": [
            _list("crm.project", "Projects", "domain"),
            _list("crm.projectcontact", "People in projects", "link"),
        ],
    },
    {
        "title": "Calls",
        "separator": True,
        "items": [
            _list("calls.callsession", "Calls", "phone_in_talk"),
            _list("calls.terminalsession", "Terminal sessions", "phone_disabled"),
            _list("calls.lease", "Leases", "timer"),
            _list("crm.touch", "Touches", "touch_app"),
        ],
    },
    {
        "title": "Campaigns",
        "separator": True,
        "items": [
            _list("campaigns.campaign", "Campaigns", "campaign"),
            _list("campaigns.enrollment", "People in campaigns", "directions_walk"),
            _list("campaigns.conversation", "Conversations", "forum"),
            _list("campaigns.message", "Messages", "sms"),
        ],
    },
    {
        "title": "What campaigns need",
        "separator": True,
        "collapsible": True,
        "items": [
            _list("campaigns.template", "Templates", "account_tree"),
            _list("campaigns.contenttemplate", "Contents", "text_snippet"),
            _list("campaigns.enrollmentstatus", "Statuses", "flag"),
            _list("campaigns.sendingaccount", "Sending accounts", "outbox"),
            _list("campaigns.sendingstop", "Sending stops", "front_hand"),
        ],
    },
    {
        "title": "Rules",
        "separator": True,
        "collapsible": True,
        "items": [
            _list("calls.disposition", "Dispositions", "checklist"),
            _list("calls.callingpolicy", "Calling policies", "speed"),
            _list("calls.callinghours", "Calling hours", "schedule"),
            _list("crm.gatedecision", "Gate decisions", "receipt_long"),
        ],
    },
    {
        "title": "Intake",
        "separator": True,
        "collapsible": True,
        "items": [
            _list("crm.intakerun", "Intake runs", "upload_file"),
            _list("crm.reviewitem", "Review items", "rule", "?resolved_at=no"),
            _list("crm.sourcerecord", "Source records", "dataset"),
        ],
    },
    {
        "title": "System",
        "separator": True,
        "collapsible": True,
        "items": [
            _list("crm.user", "Users", "badge"),
            _list("crm.auditevent", "Audit events", "history"),
            _list("crm.hoursprofile", "Hours profiles", "public"),
            _list("integrations.news", "News", "inbox"),
            _list("campaigns.ledgerday", "Daily ledgers", "balance"),
            {"title": "API", "icon": "api", "link": "/api/v1/docs/"},
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Clearline",
    "SITE_HEADER": "Clearline",
    "SITE_SYMBOL": "call_log",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("clearline/favicon.svg")}
    ],
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 235)",
            "100": "oklch(94% .03 235)",
            "200": "oklch(89% .06 235)",
            "300": "oklch(82% .1 236)",
            "400": "oklch(71% .14 240)",
            "500": "oklch(60% .15 244)",
            "600": "oklch(52% .145 247)",
            "700": "oklch(46% .13 248)",
            "800": "oklch(40% .105 248)",
            "900": "oklch(35% .085 248)",
            "950": "oklch(27% .06 248)",
        },
    },
    "STYLES": [lambda request: static("clearline/admin.css"), lambda request: static("clearline/campaigns.css")],
    "DASHBOARD_CALLBACK": "calls.admin.board.show",
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": NAVIGATION},
}

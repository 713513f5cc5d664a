"""E-mails with a link, for tests: written, handed over, and clicked in."""

from datetime import datetime, timedelta
from typing import Any, Final

from campaigns.models import Enrollment, Message
from campaigns.rules.drawings import Drawing, DrawnNode
from campaigns.services import clicks
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import AttemptFactory
from campaigns.tests.walks import begun, enrolled, run, settle
from config.testing import NOON
from crm.models import Contact

MINUTE: Final = timedelta(minutes=1)
CLICK: Final[DrawnNode] = node("click", "wait_for", event="link_click")
LOOKS: Final = drawing(
    node("mail", "email_send"), CLICK, node("bdr", "stage", status="Needs BDR"), node("end", "exit", reason="Silent"),
    "mail>click", "click:happened>bdr", "click:timeout>end",
)  # fmt: skip


def told_to_send(drawn: Drawing = LOOKS, *contacts: Contact, **fields: Any) -> list[Enrollment]:
    """Whoever is enrolled in a campaign of ``drawn``, for whom the first e-mail is written."""
    walks = enrolled(begun(drawn, **fields), contacts or 1)
    run(NOON)
    return walks


def handed_over(walk: Enrollment, state: str = "accepted") -> Message:
    """The last message of ``walk``; its secret is its own id."""
    message = Message.objects.filter(enrollment=walk).latest("id")
    settle(state, NOON, [message])
    outcome = "accepted" if state in ("delivered", "undelivered") else state
    AttemptFactory(message=message, token=str(message.pk), provider="email", outcome=outcome, idempotent=True)
    return message


def clicked(message: Message, at: datetime = NOON + MINUTE, **more: Any) -> None:
    clicks.keep(provider="email", token=str(message.pk), clicked_at=at, at=at + MINUTE, **more)

"""Who is written to: many at first, and some more all the time."""

import random
from typing import Final

from django.db import DatabaseError, InterfaceError, connection, connections

from campaigns.models import Campaign
from campaigns.services import enrolling
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import SendingAccountFactory
from campaigns.tests.walks import begun
from config.kernel import clock
from crm.models import Contact
from crm.tests.factories import ContactFactory

AT_FIRST: Final = 0.4  # of everybody
# An answer is waited for after the first text; after that it ends a walk wherever it comes.
DRAWN: Final = drawing(
    node("text", "sms_send"), node("ask", "wait_for", event="reply", amount=3, unit="minutes"),
    node("warm", "stage", status="Needs BDR"), node("mail", "email_send"), node("wait", "wait", amount=2, unit="minutes"),
    node("last", "sms_send"), node("end", "exit"),
    "text>ask", "ask:happened>warm", "warm>end", "ask:timeout>mail", "mail>wait", "wait>last", "last>end",
)  # fmt: skip


class People:
    def __init__(self, number: int, chance: random.Random) -> None:
        self.chance, self.inside = chance, 0
        SendingAccountFactory(per_second=50.0)
        SendingAccountFactory(name="Mail", channel="email", address="team@example.com", per_second=10_000.0)
        self.campaign: Campaign = begun(DRAWN, at=clock.now())
        self.waiting: list[Contact] = [
            ContactFactory(phone=f"+1512{200 + n // 10_000:03}{n % 10_000:04}", email=f"walker{n}@example.com")
            for n in range(number)
        ]
        self.number = number

    def let_in(self, *, share: float = 1.0, everybody: bool = False) -> None:
        """Ask for as many to be enrolled as are due by now; where the database is away, or whoever is frozen holds the
        campaign, next time.
        """
        due = self.number if everybody else round(self.number * (AT_FIRST + (1 - AT_FIRST) * share))
        who = self.waiting[self.inside : due]
        if not who:
            return
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '500ms'")
            audience = {"contacts": [str(contact.pk) for contact in who]}
            enrolling.begin(campaign=self.campaign, audience=audience, by=None, at=clock.now())
        except (DatabaseError, InterfaceError):  # asked for twice, nobody is enrolled twice
            connections.close_all()
        else:
            self.inside = due

"""Ten thousand people whose engines die again and again, in every kind of batch: each step is taken once (trust E1)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from campaigns.models import Campaign, Enrollment, EnrollmentEvent, Happening, Message
from campaigns.services.engine import batches
from campaigns.tests import promises
from campaigns.tests.drawings import drawing, node
from campaigns.tests.walks import begun, enrolled, settle
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.models import Contact
from integrations.tests.dying import killed_at

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE, ANSWERS = 10_000, 2_000
LIVES = 6  # batches that an engine is through with before it is killed
ASKED = drawing(
    node("begin", "stage", status="Needs BDR"), node("sms", "sms_send"), node("ask", "wait_for", amount=2),
    node("bdr", "stage", status="No Activity"), node("wait", "wait"), node("end", "exit"),
    "begin>sms", "sms>ask", "ask:happened>bdr", "ask:timeout>end", "bdr>wait", "wait>end",
)  # fmt: skip
PER_DAY = 800_000  # about 550 begin in a minute


def dies_again_and_again(point: str, batch: Callable[[], int]) -> int:
    """Let engines do ``batch`` until nothing is left to do, each killed at its seventh; return how many died."""

    def works() -> None:
        while batch():
            pass

    deaths = 0
    while killed_at(point, works, number=LIVES + 1):
        deaths += 1
    return deaths


def in_pace(campaign: Campaign) -> int:
    campaign.refresh_from_db()
    return batches.beginning(campaign.pk, at=(campaign.last_start_at or NOON) + timedelta(minutes=1))


def people(number: int) -> list[Contact]:
    return Contact.objects.bulk_create(Contact(name=f"Walker {n}", primary_phone="+15125550100") for n in range(number))


@pytest.mark.parametrize("point", ["engine.after_claim", "engine.before_commit"])
def test_ten_thousand_take_each_step_once_however_often_their_engines_die(point):
    campaign = begun(ASKED, starts_per_day=PER_DAY)
    enrolled(campaign, people(PEOPLE))

    assert dies_again_and_again(point, lambda: in_pace(campaign)) > 1
    assert stand(campaign) == {"waiting_send": PEOPLE}
    assert Message.objects.values("enrollment").distinct().count() == Message.objects.count() == PEOPLE

    settle("accepted", NOON)
    assert dies_again_and_again(point, lambda: batches.settled(campaign.pk, at=NOON)) > 1
    assert stand(campaign) == {"waiting": PEOPLE}

    Happening.objects.bulk_create(
        Happening(contact_id=contact, kind="reply", at=NOON, cause=uuid7())
        for contact in Enrollment.objects.order_by("id").values_list("contact", flat=True)[:ANSWERS]
    )
    assert dies_again_and_again(point, lambda: batches.heard(at=NOON)) > 0
    assert Enrollment.objects.filter(stage="bdr").count() == ANSWERS
    assert not Happening.objects.filter(handled_at=None).exists()

    over = NOON + timedelta(days=30)
    assert dies_again_and_again(point, lambda: batches.due(campaign.pk, at=over)) > 1
    assert stand(campaign) == {"completed": PEOPLE}
    assert Message.objects.count() == EnrollmentEvent.objects.filter(kind="completed").count() == PEOPLE


def stand(campaign: Campaign) -> dict[str, int]:
    """How many are in which state, where the histories and the numbers say so too."""
    assert promises.histories() == promises.numbers([campaign]) == []
    states = list(Enrollment.objects.values_list("state", flat=True))
    return {state: states.count(state) for state in set(states)}

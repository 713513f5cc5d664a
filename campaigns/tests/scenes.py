"""A campaign in the middle of its life, to look at: people everywhere in it, messages in every state, answers."""

from datetime import datetime, timedelta

from campaigns.choices import EnrollmentState
from campaigns.models import (
    Campaign,
    ContentTemplate,
    Conversation,
    Enrollment,
    EnrollmentStatus,
    Message,
    SendingAccount,
    TemplateVersion,
)
from campaigns.rules.drawings import Drawing, DrawnNode
from campaigns.services import campaigns, counting, demo, handling, templates
from campaigns.tests.drawings import edge
from campaigns.tests.factories import AttemptFactory, SendingAccountFactory
from campaigns.tests.walks import enrolled, run, settle
from config.testing import NOON
from crm.models import Contact, User
from crm.tests.factories import CompanyFactory, ContactFactory

NAMES = [("Alma", "Barford"), ("Bea", "Calley"), ("Cato", "Dunner"), ("Dara", "Fernby"), ("Edda", "Gilman"),
         ("Finn", "Hartson"), ("Gus", "Kelwick"), ("Hana", "Lamworth"), ("Ivo", "Marden")]  # fmt: skip
DRAWN = Drawing.of(
    [
        DrawnNode("start", "stage", "Begin", {"status": "No Activity"}),
        DrawnNode("phone", "branch", "Has a phone?", {}),
        DrawnNode("text", "sms_send", "Text the invitation", {"content": "open-house-text"}),
        DrawnNode("mail", "email_send", "Mail the invitation", {"content": "open-house-mail"}),
        DrawnNode("reply", "wait_for", "Do they answer?", {"event": "reply", "amount": 3, "unit": "days"}),
        DrawnNode("warm", "stage", "Hand over", {"status": "Needs BDR"}),
        DrawnNode("rest", "wait", "Give them time", {"mode": "duration", "amount": 2, "unit": "days"}),
        DrawnNode("again", "email_send", "Remind them", {"content": "open-house-mail"}),
        DrawnNode("over", "exit", "Done", {"reason": "No answer"}),
    ],
    [
        edge("start>phone"), edge("phone:yes>text", fact="contact.has_phone", value=True, **{"is": "equal"}),
        edge("phone:else>mail"), edge("text>reply"), edge("mail>reply"), edge("reply:happened>warm"),
        edge("reply:timeout>rest"), edge("rest>again"), edge("again>over"),
    ],
)  # fmt: skip


def a_version(at: datetime = NOON) -> TemplateVersion:
    """A template that was published, with the contents that it names and accounts that send them."""
    demo.install(at=at)
    ContentTemplate.objects.get_or_create(
        key="open-house-text", channel="sms", name="Open house by text",
        defaults={"body": "Hi {{contact.first_name|there}}, will you come to our open house on Friday?"},
    )  # fmt: skip
    ContentTemplate.objects.get_or_create(
        key="open-house-mail", channel="email", name="Open house by mail",
        defaults={"subject": "Our open house", "body": "Dear {{contact.name|reader}},\n\nwe open our doors on Friday."},
    )  # fmt: skip
    for channel, address in [("sms", "+15125550100"), ("email", "hello@example.com"), ("voicemail", "+15125550101")]:
        SendingAccountFactory(name=f"Team, {channel}", channel=channel, address=address, per_second=4, per_day=5000)
    row = templates.create(name="Open house", description="A text, a mail, and time to answer.", drawing=DRAWN,
                           by=None, at=at)  # fmt: skip
    return templates.publish(row=row, note="First", by=None, at=at)


def some_people(number: int, owner: User | None = None) -> list[Contact]:
    firms = [CompanyFactory(name=f"{last} Builders") for _, last in NAMES[: max(1, number // 4)]]
    return [
        ContactFactory(
            first_name=NAMES[n % 9][0], last_name=NAMES[n // 9 % 9][1], company=firms[n % len(firms)], owner=owner,
            phone=f"+1512555{1000 + n:04}" if n % 3 else "", email=f"walker{n}@example.com", region="TX",
            time_zone="America/Chicago", source="permits",
        )
        for n in range(number)
    ]  # fmt: skip


def a_campaign(*, people: int = 60, owner: User | None = None, at: datetime = NOON) -> Campaign:
    """Enrolled three days before ``at``; some have answered, some were blocked, about two somebody has to decide."""
    begun = at - timedelta(days=3)
    row = campaigns.create(
        name="Open house in Austin", version=a_version(begun), by=owner, at=begun, event_type="in_person",
        event_date=(at + timedelta(days=4)).date(), event_place="Riverside Hall", event_hook="See the new lift move.",
        goal=EnrollmentStatus.objects.get(name="Attended"), description="Whoever builds in Austin.",
    )  # fmt: skip
    row = campaigns.start(row=row, by=owner, at=begun)
    walks = enrolled(row, some_people(people, owner), at=begun)
    run(begun + timedelta(minutes=1))
    waiting = list(Message.objects.filter(state="pending").order_by("id"))
    fates = {0: "rejected", 1: "blocked", 2: "uncertain", 3: "not_sent_presumed"}
    for number, message in enumerate(waiting):
        _said(message, fates.get(number, "delivered"), begun + timedelta(minutes=2))
    run(begun + timedelta(minutes=3))
    for number, walk in enumerate(walks[5::7]):
        _answered(walk, ("Yes, we come!", "Who is this?", "What time?")[number % 3], begun + timedelta(hours=5))
    handling.leave([walks[-1].pk], reason="Moved away", by=owner, at=at)
    standing = Enrollment.objects.filter(pk=walks[-2].pk, state=EnrollmentState.WAITING)
    counting.add(campaign=row.pk, counts={(None, "state:parked"): 1, (None, "state:waiting"): -1})
    standing.update(state="parked", wake_at=None, wake_rule=None, reason="There is no content 'open-house-text'.")
    handling.pause([walks[-3].pk], by=owner, at=at)
    handling.set_status(
        [walk.pk for walk in walks[5:9]], status=EnrollmentStatus.objects.get(name="Received RSVP"), by=owner, at=at
    )
    run(at + timedelta(hours=1))
    row.refresh_from_db()
    return row


def _said(message: Message, fate: str, at: datetime) -> None:
    point = message.contact.points.filter(kind="email" if message.channel == "email" else "phone").first()  # type: ignore[union-attr]  # of a walk
    thread, _ = Conversation.objects.update_or_create(
        contact=message.contact,
        defaults={"last_at": at, "last_direction": "outbound", "last_text": message.subject or message.body},
    )
    account = SendingAccount.objects.get(channel=message.channel)
    Message.objects.filter(pk=message.pk).update(
        conversation=thread, account=account, endpoint=point and point.endpoint, reason=_WHY.get(fate, "")
    )
    if fate == "not_sent_presumed":
        settle("uncertain", at, [message])
        Message.objects.filter(pk=message.pk).update(state=fate, settled_at=at)
    else:
        settle(fate, at, [message])
    if fate != "blocked":
        AttemptFactory(message=message, account=account, provider=account.provider, dispatched_at=at,
                       valid_until=at + timedelta(hours=4), outcome=_OUTCOMES.get(fate, "accepted"))  # fmt: skip


def _answered(walk: Enrollment, text: str, at: datetime) -> None:
    thread = Conversation.objects.filter(contact=walk.contact_id).first()
    if thread is None:
        return
    channel = thread.messages.latest("id").channel
    Message.objects.create(
        direction="inbound", channel=channel, contact=walk.contact, conversation=thread, body=text, state="received",
        not_before=at, settled_at=at,
    )  # fmt: skip
    Conversation.objects.filter(pk=thread.pk).update(
        last_at=at, last_direction="inbound", last_text=text, unread=thread.unread + 1
    )


_WHY = {"blocked": "endpoint_suppressed", "rejected": "The number does not exist.",
        "uncertain": "No answer within 10 s.", "not_sent_presumed": "The provider does not know it."}  # fmt: skip
_OUTCOMES = {"rejected": "rejected", "uncertain": "uncertain", "not_sent_presumed": "not_sent_presumed"}

"""Links in what we sent that somebody opened: kept with the message, and told to the walk that sent it."""

from datetime import datetime

from django.db.models import Q

from campaigns.choices import HappeningKind
from campaigns.models import Message
from campaigns.services import evidence, happenings
from config.kernel.transactions import atomic_with_retries
from crm.models import Contact
from crm.services.locking import lock_all


@atomic_with_retries
def keep(
    *, provider: str, clicked_at: datetime, at: datetime, token: str = "", reference: str = "", automatic: bool = False
) -> None:
    """Keep that a link in a message of ours was opened, by whoever it was sent to, as far as anybody knows.

    The message is found as by ``evidence.bind``, and the click proves, as "accepted" would, that it was sent: nobody
    opens what they did not get. It does not prove that it was delivered, which the provider says itself; what is known
    to be undelivered stays so. ``automatic``: a program that opens every link did it, before anybody has read it; that
    proves as much, and is nothing that its reader did.

    Kept is the first click, whatever order they are told in. It is news for the walk that sent the message, and for no
    other of the same person, in this campaign or another: a walk asks whether its own mail was of interest. All mails
    of a walk count, each once. Whoever sent one by hand, or once more by hand, waits for nothing: no walk hears of it.

    :raises evidence.NotOurs: there is no such message.
    """
    message = evidence.attempt_of(provider, token, reference).message
    lock_all(Contact, [message.contact_id] if message.contact_id else [])
    evidence.bind(provider=provider, token=token, reference=reference, status="accepted", at=at)
    if automatic:
        return
    first = Message.objects.filter(Q(clicked_at=None) | Q(clicked_at__gt=clicked_at), pk=message.pk)
    first.update(clicked_at=clicked_at, updated_at=at)
    if message.enrollment_id:
        happenings.keep(
            contacts=[message.contact_id] if message.contact_id else [], kind=HappeningKind.LINK_CLICK,
            cause=message.pk, at=clicked_at, data={"channel": message.channel}, walk=message.enrollment_id,
        )  # fmt: skip

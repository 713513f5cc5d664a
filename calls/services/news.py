"""Tells the upper apps how calls ended, once the time to take it back is over. At least once, in the order due."""

import logging
import traceback
from datetime import datetime, timedelta

from django.db import transaction

from calls.models import CallNews, CallSession
from calls.signals import CallConcluded, call_concluded
from config.kernel.transactions import atomic_with_retries
from config.kernel.writing import Part

logger = logging.getLogger(__name__)

BATCH = 100
SOON, LATE = timedelta(seconds=10), timedelta(hours=1)  # bounds of the wait of news that could not be told


def tell_due(*, at: datetime) -> int:
    """Tell up to a hundred due outcomes; return how many were told or, where a receiver failed, put off.

    Each in a transaction of its own with what its receivers write. News of a contact whom somebody works on is passed
    over until the next ring: their outcome may be taken back at this moment.
    """
    for number in range(BATCH):
        if not _tell_next(at):
            return number
    return BATCH


def withdrawn(session: CallSession) -> Part:
    """What others have not been told yet of this call, they will not be told. Telling holds the contact, as we do."""
    return _WITHDRAW, {"session": session.pk}


_WITHDRAW = """
    UPDATE calls_callnews n SET due_at = NULL FROM calls_callevent e
    WHERE e.id = n.event_id AND e.session_id = %(session)s AND n.told_at IS NULL"""


def others_believe(session: CallSession) -> bool:
    """Whether the last that others were told of this call is an outcome."""
    told = CallNews.objects.filter(event__session=session, told_at__isnull=False).select_related("event")
    last = told.order_by("event__at", "event").last()
    return last is not None and last.event.disposition_id is not None


@transaction.atomic
def _tell_next(at: datetime) -> bool:
    due = CallNews.objects.filter(due_at__lte=at).select_related("event__session__contact").order_by("due_at", "id")
    # The contact first, as in every lock order: whoever corrects an outcome holds it as well.
    free = due.select_for_update(skip_locked=True, no_key=True, of=("event__session__contact", "self"))
    news = free.first()
    if news is None:
        return False
    try:
        _tell(news)
    except Exception as error:  # noqa: BLE001 - whatever one receiver does, all others are told
        CallNews.objects.filter(pk=news.pk).update(due_at=_put_off(news, error, at))
    else:
        CallNews.objects.filter(pk=news.pk).update(due_at=None, told_at=at)
    return True


@atomic_with_retries
def _tell(news: CallNews) -> None:
    event, session = news.event, news.event.session
    concluded = CallConcluded(
        event_id=event.pk,
        session_id=session.pk,
        contact_id=session.contact_id,
        project_id=session.project_id,
        disposition_id=event.disposition_id,
        at=event.at,
    )
    call_concluded.send(sender=CallNews, event=concluded)


def _put_off(news: CallNews, error: Exception, at: datetime) -> datetime:
    """Wait as long again as it has been waiting; the log names the place, not the words, which may be personal."""
    wait = min(max(at - news.event.at, SOON), LATE)
    place = traceback.extract_tb(error.__traceback__)[-1]
    logger.error(
        "News of outcome %s could not be told and waits %s: %s in %s, line %s",
        news.event_id, wait, type(error).__name__, place.filename, place.lineno,
    )  # fmt: skip
    return at + wait

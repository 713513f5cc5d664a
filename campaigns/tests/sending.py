"""What the tests of dispatch share: a carrier, an account, and words for what workers do."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from campaigns.models import Message
from campaigns.services.dispatch import accounts, claiming, handing, running
from campaigns.services.dispatch.claiming import Claimed
from campaigns.services.dispatch.handing import Marked
from campaigns.tests import carriers
from campaigns.tests.carriers import Carrier
from campaigns.tests.factories import SendingAccountFactory
from config.kernel import clock
from config.testing import NOON
from crm.models import Touch


@pytest.fixture
def carrier(settings: Any, tmp_path: Path) -> Carrier:
    return carriers.install(settings, tmp_path)


@pytest.fixture
def account(carrier: Carrier) -> Any:
    return SendingAccountFactory()


def send(at: datetime = NOON) -> None:
    """Send what is due, a batch of each account, on this thread."""
    with clock.standing_at(at):
        accounts.route(at=at)
        for ready in accounts.ready(at=at):
            running.send_batch(ready)


def now(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def counted() -> list[bool]:
    return list(Touch.objects.order_by("id").values_list("counts", flat=True))


def claim(account: Any, at: datetime = NOON) -> list[Claimed]:
    """Claim what is due, as a worker that pauses right after."""
    accounts.route(at=at)
    return claiming.claim(account_id=account.pk, room=50, at=at)


def known(account: Any) -> accounts.Account:
    return accounts.Account(
        account.pk, account.channel, account.provider, account.address, account.per_second, account.per_day,
        account.failures, None, None, None,
    )  # fmt: skip


def mark(account: Any, claimed: list[Claimed], at: datetime = NOON) -> list[Marked]:
    with clock.standing_at(at):
        return handing.mark(account=known(account), claimed=claimed, at=at)

"""A deploy while messages are under way (trust B12): a real worker is asked to end."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.core.cache import cache
from django.db import connection

from campaigns import tasks
from campaigns.models import Message
from campaigns.tests.factories import CampaignFactory, SendingAccountFactory, walking
from config.embedded import places
from config.embedded.postgres import DATABASE
from config.supervisor.programs import commands
from config.testing import NOON
from integrations.tests import carriers


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_asked_to_end_writes_down_what_it_has_under_way(tmp_path):
    cache.delete("dispatcher:0")
    SendingAccountFactory(provider="sms")
    campaign = CampaignFactory()
    for _ in range(60):
        walking(campaign=campaign)
    address = os.environ["DATABASE_URL"].replace(f"/{DATABASE}?", f"/{connection.settings_dict['NAME']}?")
    clock = f"{NOON.isoformat()} {time.time()} 1"
    with carriers.running(tmp_path / "ledger.db") as carrier:
        carrier.forget()
        carrier.set(latency_ms=700)
        given = {"DATABASE_URL": address, "SIMULATED_CLOCK": clock, "SIMULATED_CARRIER_URL": carrier.url}
        worker = subprocess.Popen(
            [sys.executable, *commands(0)["worker"]], cwd=places.CHECKOUT, env={**os.environ, **given},
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            give_up = time.monotonic() + 60
            while not carrier.facts()["asked"]:
                assert time.monotonic() < give_up, "the worker sends nothing"
                tasks.dispatch_messages.delay()  # as beat does: a ring that nobody hears in time is lost
                time.sleep(0.2)
            worker.send_signal(signal.SIGTERM)
            under_way = Message.objects.filter(state="dispatching").count()
            assert worker.wait(timeout=60) == 0
        finally:
            worker.kill()
            worker.wait()
        sent = {row["key"] for row in carrier.messages()}

    assert under_way > 0
    assert Message.objects.filter(state__in=["claimed", "dispatching", "uncertain"]).count() == 0
    assert {str(one.pk) for one in Message.objects.filter(state="accepted")} == sent
    assert len(sent) >= under_way

"""Dispatch to a provider that takes 50 ms: the whole send protocol beside bare POSTs to the same server, in one process.

Everything counts: claim, locks, gate, receipts, touches, attempts, conversations, marks, the calls themselves, and the record
of what came of them. The server is a process of its own on the same machine; so is PostgreSQL.
"""

import asyncio
import contextlib
import itertools
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

from aiohttp import ClientSession, TCPConnector
from django.conf import settings
from django.db import connection

from benchmarks import world
from benchmarks.measure import Result
from campaigns.choices import CampaignStatus, NodeType
from campaigns.models import Campaign, Graph, Node, SendingAccount
from campaigns.models.accounts import FASTEST
from campaigns.providers import Outgoing, Receipt, Sent
from campaigns.services.dispatch import accounts, looping, running
from config.kernel import clock
from config.kernel.providers import OutcomeUnknown

MESSAGES, ROUNDS, AT_ONCE = 5_000, 3, 200
PACE, PACED = 100.0, 1_000
BUDGET = ">= 1,000 messages/s"


class Posting:
    """``campaigns.providers.MessageProvider`` over one pool of connections, and nothing else."""

    label, channel, is_idempotent = "Benchmark", "sms", False

    def __init__(self, url: str) -> None:
        self.url = url
        self.session: ClientSession | None = None
        self.asked: list[float] = []

    async def send(self, outgoing: Outgoing) -> Receipt:
        self.asked.append(time.monotonic())
        if self.session is None:
            self.session = ClientSession(connector=TCPConnector(limit=AT_ONCE))
        body = {"to": outgoing.to, "body": outgoing.body, "token": outgoing.token}
        async with self.session.post(self.url, json=body) as answer:
            if answer.status != 200:
                raise OutcomeUnknown(str(answer.status))
            return Receipt(str((await answer.json())["id"]))

    async def close(self) -> None:
        if self.session:
            await self.session.close()

    async def sent(self, *, since: datetime, until: datetime) -> AsyncIterator[Sent]:
        return
        yield


def run(sizes: list[int]) -> list[Result]:
    return [_compared(), _paced()]


def _compared() -> Result:
    _clean(per_second=FASTEST)
    with _Server() as url, _noon():
        provider, per_second, bare, cpu = _provider(url), [], [], []
        for round_ in range(ROUNDS + 1):  # the first one fills the tables: no plan is made for empty ones
            campaign = _load(MESSAGES)
            began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
            handled = running.dispatch(seconds=120)
            seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
            _check(campaign, handled)
            theirs = looping.run(_bare(provider, MESSAGES))
            if round_:
                per_second.append(MESSAGES / seconds)
                bare.append(MESSAGES / theirs)
                cpu.append((after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime) / MESSAGES * 1000)
        looping.run(provider.close())
        name = f"dispatch {MESSAGES:,} messages to a 50 ms provider (CPU {statistics.median(cpu):.2f} ms each)"
        ours, yardstick = statistics.median(per_second), statistics.median(bare)
        spread = f"{min(per_second):,.0f}..{max(per_second):,.0f} against {min(bare):,.0f}..{max(bare):,.0f}"
        return Result(name, ours, yardstick, "/s", ours / yardstick, BUDGET, spread)


def _paced() -> Result:
    """How exactly a rate is kept: messages that were asked for in any second, against the rate."""
    with _Server() as url:
        provider = _provider(url)
        _clean(per_second=PACE)
        _load(PACED)
        begun = time.monotonic()
        with _noon():
            handled = running.dispatch(seconds=PACED / PACE * 2)
        looping.run(provider.close())
        asked = sorted(one for one in provider.asked if one >= begun)[int(PACE) :]  # the first second opens connections
        rate = (len(asked) - 1) / (asked[-1] - asked[0])
        each = statistics.median(later - earlier for earlier, later in itertools.pairwise(asked))
        name = f"dispatch {handled:,} messages at a pace of {PACE:.0f}/s ({1 / each:.1f}/s in the middle)"
        return Result(name, rate, PACE, "/s", rate / PACE, "within 2 %", f"{len(asked)} of them")


@contextlib.contextmanager
def _noon() -> Iterator[None]:
    """Let it be noon when this begins, and time go on: moments that are reserved come."""
    clock.keep(clock.Pace(world.AT, time.time()))
    try:
        yield
    finally:
        clock.keep(None)


def _provider(url: str) -> Posting:
    from config.kernel.providers import providers

    settings.PROVIDERS = {
        **settings.PROVIDERS,
        "bench": {"BACKEND": "benchmarks.dispatch.Posting", "OPTIONS": {"url": url}},
    }
    providers.forget(setting="PROVIDERS")
    found: Posting = providers["bench"]
    return found


def _check(campaign: Campaign, handled: int) -> None:
    found = set(campaign.messages.values_list("state", "reason"))
    if found != {("accepted", "")} or handled != MESSAGES:
        raise SystemExit(f"{handled} handled, but: {found}")


async def _bare(provider: Posting, number: int) -> float:
    """As many POSTs as fast as the connections allow."""
    outgoing = Outgoing("+15125550100", "+15125550101", "Hello " * 20, "k", "t" * 43, world.AT)
    places, began = asyncio.Semaphore(AT_ONCE), time.perf_counter()

    async def one() -> None:
        async with places:
            await provider.send(outgoing)

    await asyncio.gather(*(one() for _ in range(number)))
    return time.perf_counter() - began


def _clean(*, per_second: float) -> None:
    """Nobody and nothing, but for one account."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            """TRUNCATE campaigns_attempt, campaigns_message, campaigns_conversation, campaigns_enrollment,
               campaigns_senderbudget, campaigns_sendingaccount, crm_touch, crm_contactpoint, crm_endpoint, crm_contact,
               crm_gatedecision, crm_projectcontact, crm_suppression, calls_terminalsession CASCADE"""
        )
        cursor.execute("SET session_replication_role = DEFAULT")
    SendingAccount.objects.create(
        name="Benchmark", channel="sms", provider="bench", address="+15125550101", per_second=per_second, per_day=10**9,
    )  # fmt: skip


def _load(number: int) -> Campaign:
    """More people in Texas with a number each, all of whose walks wait for an SMS that is due."""
    graph = Graph.objects.create()
    node = Node.objects.create(graph=graph, key="sms", type=NodeType.SMS_SEND)
    campaign = Campaign.objects.create(name=f"Benchmark {graph.pk}", graph=graph, status=CampaignStatus.ACTIVE)
    names = {"n": number, "node": node.pk, "campaign": campaign.pk, "graph": graph.pk, "at": world.AT}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in _STATEMENTS:
            cursor.execute(statement, names)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM (ANALYZE)")
    accounts.route(at=world.AT, limit=number)
    return campaign


_STATEMENTS = [
    "INSERT INTO crm_hoursprofile (key) VALUES ('America/Chicago US-TX') ON CONFLICT DO NOTHING",
    """CREATE TEMP TABLE w AS SELECT g + (SELECT count(*) FROM crm_contact) AS n, clearline_uuid7() AS contact,
       clearline_uuid7() AS line, clearline_uuid7() AS walk FROM generate_series(1, %(n)s) g""",
    """INSERT INTO crm_contact (id, name, primary_phone)
       SELECT contact, 'Person ' || n, '+1512' || lpad(n::text, 7, '0') FROM w""",
    """INSERT INTO crm_endpoint (id, kind, value, owner_id, hours_profile_id)
       SELECT line, 'phone', '+1512' || lpad(n::text, 7, '0'), contact,
              (SELECT id FROM crm_hoursprofile WHERE key = 'America/Chicago US-TX') FROM w""",
    """INSERT INTO crm_contactpoint (contact_id, endpoint_id, kind, is_primary)
       SELECT contact, line, 'phone', true FROM w""",
    """INSERT INTO campaigns_enrollment (id, campaign_id, graph_id, contact_id, state, node_id, visit, enrolled_at)
       SELECT walk, %(campaign)s, %(graph)s, contact, 'waiting_send', %(node)s, 1, %(at)s FROM w""",
    """INSERT INTO campaigns_message (channel, contact_id, campaign_id, enrollment_id, node_id, run_no, visit, body,
                                      segments, dedupe_key, not_before)
       SELECT 'sms', contact, %(campaign)s, walk, %(node)s, 1, 1, repeat('Hello ', 20), 1, 'bench:' || walk, %(at)s
       FROM w""",
    "DROP TABLE w",
]


class _Server:
    """A provider in a process of its own: it reads the body, waits, and answers with an id."""

    def __enter__(self) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.process = subprocess.Popen([sys.executable, "-m", "benchmarks.slow_provider", str(port)])
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return f"http://127.0.0.1:{port}/"
            time.sleep(0.1)
        raise SystemExit("The provider of the benchmark does not start.")

    def __exit__(self, *failure: Any) -> None:
        self.process.terminate()
        self.process.wait()

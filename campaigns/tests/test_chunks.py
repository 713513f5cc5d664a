"""However many wait, a chunk of them reads no more rows than it takes: so many cost as many times as much."""

from collections.abc import Iterator
from datetime import timedelta

import orjson
import pytest
from django.db import connection

from campaigns.models import Enrollment, Message
from campaigns.services import places
from campaigns.services.dispatch import accounts, running, sweeping
from campaigns.services.dispatch.handing import KEY_LIVES
from campaigns.services.engine.statements import NEXT_OF_COMPANY
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import SendingAccountFactory, walking
from campaigns.tests.walks import begun, enrolled, run
from config.kernel import prepared
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.tests.factories import CompanyFactory, ContactFactory

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
CHUNK = 3
OTHER_WAYS = ("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin")  # so few rows could be found in any way


def read_by(sql, **params):
    """How many rows each look at a table has read, by its name, whether or not they were taken."""
    with connection.cursor() as cursor:
        for other_way in OTHER_WAYS:
            cursor.execute(f"SET LOCAL enable_{other_way} = off")
    ((told,),) = prepared.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
    (plan,) = told if isinstance(told, list) else orjson.loads(told)
    return list(_looks(plan["Plan"]))


def read_as_kept_by(sql, **params):
    """The same with the plan that a process keeps, which is made for chunks of any size."""
    text, names = prepared._numbered(sql)
    with connection.cursor() as cursor:
        cursor.execute(f"PREPARE kept AS {text.decode()}")
        cursor.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE kept ({', '.join(['%s'] * len(names))})",
            [params[name] for name in names],
        )
        ((told,),) = cursor.fetchall()
        cursor.execute("DEALLOCATE kept")
    return list(_looks(told[0]["Plan"]))


def _looks(node) -> Iterator[tuple[str, int]]:
    if "Relation Name" in node and node["Node Type"] != "ModifyTable":
        passed_over = sum(number for name, number in node.items() if name.startswith("Rows Removed"))
        yield node["Relation Name"], round((node["Actual Rows"] + passed_over) * node["Actual Loops"])
    for child in node.get("Plans", ()):
        yield from _looks(child)


def most_of(looks, table):
    return max(number for name, number in looks if name == table)


def test_what_has_no_account_is_chosen_one_for_chunk_by_chunk():
    SendingAccountFactory()
    for _ in range(4 * CHUNK):
        walking()
        walking(not_before=NOON + HOUR)
    looks = read_by(accounts._ROUTE, at=NOON, limit=CHUNK, later=NOON + HOUR, longest=24 * HOUR)
    assert most_of(looks, "campaigns_message") == CHUNK
    assert Message.objects.filter(account__isnull=False).count() == CHUNK


def test_what_waits_for_accounts_that_were_switched_off_is_taken_away_chunk_by_chunk():
    for is_active in (True, False, False):
        account = SendingAccountFactory(is_active=is_active)
        for _ in range(2):
            walking(account=account)
            walking(account=account, held=True)
    assert most_of(read_by(accounts._UNROUTE, limit=CHUNK), "campaigns_message") == CHUNK
    assert accounts.unroute(limit=CHUNK) == CHUNK
    assert accounts.unroute(limit=CHUNK) == 8 - 2 * CHUNK
    assert set(Message.objects.values_list("account__is_active", flat=True)) == {True, None}


def test_what_else_waits_for_one_is_not_read_by_a_plan_that_is_kept_either():
    account = SendingAccountFactory(is_active=False)
    waiting = """
        INSERT INTO campaigns_message (id, channel, contact_id, account_id, dedupe_key, not_before, state)
        SELECT clearline_uuid7(), 'sms', %(contact)s, %(account)s, 'k' || n, %(at)s::timestamptz, 'pending'
        FROM generate_series(1, 10000) AS n"""
    prepared.run(waiting, {"contact": ContactFactory().pk, "account": account.pk, "at": NOON})
    prepared.run("ANALYZE campaigns_message", {})
    assert most_of(read_as_kept_by(accounts._UNROUTE, limit=CHUNK), "campaigns_message") == CHUNK


def test_what_is_too_late_expires_chunk_by_chunk():
    for _ in range(4 * CHUNK):
        walking(expires_at=NOON + HOUR)
        walking(expires_at=NOON + 3 * HOUR)
    looks = read_by(sweeping._LATE, at=NOON + 2 * HOUR, limit=CHUNK)
    assert most_of(looks, "campaigns_message") == CHUNK
    assert Message.objects.filter(state="expired").count() == CHUNK


def test_what_nobody_came_back_to_is_put_back_chunk_by_chunk():
    for until in (NOON + 3 * HOUR, NOON):
        for _ in range(4 * CHUNK):
            walking()
        Message.objects.filter(state="pending").update(state="claimed", claimed_until=until)
    looks = read_by(sweeping._LAPSED, at=NOON + HOUR, limit=CHUNK, lives=KEY_LIVES)
    assert most_of(looks, "campaigns_message") == CHUNK
    assert Message.objects.filter(state="pending").count() == CHUNK


class TestOfTwoCompanies:
    """Of one two are on the way, of the other eleven, and many of both wait for a place."""

    @pytest.fixture(autouse=True)
    def campaign(self):
        campaign = begun(drawing(node("wait", "wait")))
        self.ours, others = CompanyFactory.create_batch(2)
        for company, number in ((self.ours, 2), (others, 11)):
            enrolled(campaign, ContactFactory.create_batch(number, company=company))
        run(NOON)
        for company in (self.ours, others):
            enrolled(campaign, ContactFactory.create_batch(4 * CHUNK, company=company))
        Enrollment.objects.filter(state="pending").update(wake_at=None)
        return campaign

    @pytest.mark.parametrize(("limit", "begin"), [(5, 3), (2, 0), (None, 3)])
    def test_places_are_given_to_a_chunk_of_those_who_wait(self, campaign, limit, begin):
        asked = {"campaign": campaign.pk, "limit": limit, "at": NOON, "after": places._FIRST, "size": CHUNK}
        assert most_of(read_by(places._BEGIN, **asked), "campaigns_enrollment") == CHUNK
        assert Enrollment.objects.filter(state="pending", wake_at=NOON).count() == begin

    def test_a_place_that_becomes_free_is_given_without_a_look_at_other_companies(self, campaign):
        asked = {"campaign": campaign.pk, "limit": 5, "at": NOON, "companies": [self.ours.pk], "freed": [CHUNK]}
        assert most_of(read_by(NEXT_OF_COMPANY, **asked), "campaigns_enrollment") == CHUNK
        assert Enrollment.objects.filter(state="pending", wake_at=NOON, company=self.ours).count() == CHUNK


def test_who_waits_for_a_place_is_looked_up_by_company_though_planned_while_nobody_waits():
    asked = {"campaign": uuid7(), "limit": 5, "at": NOON, "companies": [uuid7()], "freed": [1]}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = "\n".join(line for (line,) in prepared.rows(f"EXPLAIN {NEXT_OF_COMPANY}", asked))
    assert "campaigns_enrollment_held" in plan, plan


def test_choosing_accounts_keeps_nothing_waiting_that_has_one(monkeypatch):
    """However much has none: half of the time is for sending."""
    looked = []
    monkeypatch.setattr(accounts, "route", lambda **of: 1000)
    monkeypatch.setattr(running, "step", lambda: looked.append("what is due"))
    assert running.dispatch(seconds=0.2, pipelines=1) == 0
    assert looked == ["what is due"]

"""News is kept first, word for word: told twice, forged, too long, or at another's door."""

from datetime import timedelta

import orjson
import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from campaigns.models import Message
from config.kernel import clock
from config.kernel.partitions import tables
from config.testing import NOON
from integrations.inbox import doors, views
from integrations.inbox.hooks import Forged
from integrations.models import News, NewsBody
from integrations.simulated.hook import SimulatedHook
from integrations.tests import telling
from integrations.tests.telling import event, post, read, reply, url

pytestmark = pytest.mark.django_db
rings, at_noon, attempt = telling.rings, telling.at_noon, telling.attempt


class TestKeeping:
    def test_what_is_told_is_kept_word_for_word_answered_and_rung_for(self, rings, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            assert post(event(1), reply(2)) == 200

        first, second = News.objects.order_by("key")
        assert (first.provider, first.key, first.state, first.signed) == ("simulated", "ev-1", "waiting", False)
        assert orjson.loads(NewsBody.objects.get(pk=second.pk).body) == reply(2)
        assert len(rings) == 1
        assert not Message.objects.exists()

    def test_it_is_heard_once_however_often_it_is_told(self, rings, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            assert [post(event(1)), post(event(1), event(1)), post(event(1))] == [200] * 3

        assert News.objects.count() == NewsBody.objects.count() == 1
        assert len(rings) == 1

    def test_it_is_known_for_ever(self, attempt):
        post(event(1))
        read()
        with clock.standing_at(NOON + timedelta(days=400)):
            post(event(1))

        assert News.objects.get().state == "understood"

    def test_what_has_no_id_is_known_by_its_words(self):
        for _ in range(2):
            post({"type": "delivered"}, {"type": "accepted"}, "text", {"id": "x" * 101}, {"id": ""}, {"id": "a\0b"})

        assert News.objects.count() == 6
        assert all(key.startswith("sha256:") for key in News.objects.values_list("key", flat=True))

    @pytest.mark.parametrize("many", [1, 30])
    def test_many_cost_as_much_as_one(self, many, django_assert_num_queries):
        client = Client()
        with django_assert_num_queries(3):  # a savepoint around one statement
            assert post(*(event(n) for n in range(many)), client=client) == 200

    @pytest.mark.parametrize("where", [{"token": "guessed"}, {"provider": "nobody"}, {"token": "0" * 64}])
    def test_another_address_is_none(self, where, caplog):
        assert post(event(1), **where) == 404
        assert not News.objects.exists()
        assert "guessed" not in caplog.text

    def test_the_address_before_stays_open_when_there_is_a_new_one(self, settings):
        before, older = doors.token("simulated"), doors.token("simulated", epoch=0)
        settings.HOOK_EPOCH = 2

        assert doors.token("simulated") != before
        assert [post(event(1), token=token) for token in (doors.token("simulated"), before, older)] == [200, 200, 404]
        assert len(before) == 64  # 256 bits

    def test_the_door_of_one_provider_is_not_anothers(self, settings):
        settings.WEBHOOKS = {**settings.WEBHOOKS, "other": settings.WEBHOOKS["simulated"]}

        assert post(event(1), provider="other", token=doors.token("simulated")) == 404

    def test_only_posts_are_news(self, client):
        assert client.get(url()).status_code == 405

    def test_neither_cookies_nor_a_csrf_token_are_asked_for(self):
        assert post(event(1), client=Client(enforce_csrf_checks=True)) == 200

    @pytest.mark.parametrize(("size", "status"), [(views.LARGEST, 200), (views.LARGEST + 1, 413), (20_000_000, 413)])
    def test_its_size_has_a_limit(self, size, status):
        assert post(body=b"x" * size) == status
        assert News.objects.count() == (status == 200)

    def test_a_wrong_signature_is_refused_and_nothing_kept(self, monkeypatch):
        def is_signed(self, **request):
            raise Forged

        monkeypatch.setattr(SimulatedHook, "is_signed", is_signed)

        assert post(event(1)) == 403
        assert not News.objects.exists()

    def test_bodies_are_cut_into_months_and_never_change(self):
        post(event(1))
        assert "integrations_newsbody" in tables()

        for change in (lambda: NewsBody.objects.update(body=b""), lambda: NewsBody.objects.all().delete(),
                       lambda: News.objects.all().delete()):  # fmt: skip
            with pytest.raises(IntegrityError), transaction.atomic():
                change()

"""The contract of the voice port for both lines, and what each of them does besides."""

from collections import Counter
from datetime import timedelta

import pytest

from calls import providers
from calls.choices import OVER, EventKind
from calls.models import CallSession
from calls.tests.factories import CallSessionFactory
from config.kernel.ids import uuid7
from config.testing import NOON
from integrations.softphone.voice import SimulatedLine, TelLink, play_of
from integrations.tests.contract_voice import VoiceContract


class TestTelLink(VoiceContract):
    @pytest.fixture
    def line(self):
        return TelLink()


class TestSimulatedLine(VoiceContract):
    @pytest.fixture
    def line(self):
        return SimulatedLine()


del VoiceContract  # it is no test by itself


class TestYourPhone:
    @pytest.mark.parametrize(
        ("extension", "url"),
        [("", "tel:+15125550134"), ("21", "tel:+15125550134;ext=21"), ("ask for Sam", "tel:+15125550134")],
    )
    def test_the_link_says_what_a_dialer_understands(self, extension, url):
        assert TelLink().begin(to="+15125550134", extension=extension, reference="").url == url

    def test_nothing_plays_on_it(self):
        assert not isinstance(TelLink(), providers.PlayedLine)


@pytest.mark.django_db
class TestTheSimulatedLine:
    def test_one_session_always_plays_the_same(self):
        told = []
        for _ in range(2):
            session = CallSessionFactory()
            for second in range(0, 120, 7):
                SimulatedLine().advance(session=_again(session), at=NOON + timedelta(seconds=second))
            scenes = [(scene.kind, NOON + timedelta(seconds=scene.after)) for scene in play_of(str(session.pk))]
            told.append(
                list(session.events.exclude(kind=EventKind.INITIATED).in_order().values_list("kind", "at")) == scenes
            )

        assert told == [True, True]

    def test_looking_late_or_twice_tells_the_same_as_looking_all_the_time(self):
        session = CallSessionFactory()
        for _ in range(2):
            SimulatedLine().advance(session=_again(session), at=NOON + timedelta(minutes=5))

        kinds = list(session.events.values_list("kind", flat=True))
        assert len(kinds) == len(set(kinds)) == len(play_of(str(session.pk))) + 1
        assert _again(session).now.status in OVER

    def test_before_anything_is_due_nothing_is_told(self):
        session = CallSessionFactory()
        SimulatedLine().advance(session=session, at=NOON)

        assert session.events.count() == 1

    def test_every_ending_occurs_and_most_calls_are_answered(self):
        endings = Counter(play_of(str(uuid7()))[-1].kind for _ in range(400))
        answered = sum(EventKind.ANSWERED in {scene.kind for scene in play_of(str(uuid7()))} for _ in range(400))

        assert set(endings) == {EventKind.COMPLETED, EventKind.VOICEMAIL, EventKind.BUSY}
        assert 120 < answered < 280


def _again(session: CallSession) -> CallSession:
    return CallSession.objects.select_related("now").get(pk=session.pk)

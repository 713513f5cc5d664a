"""What every adapter of the voice port has to do: inherit this, and give it a line."""

import pytest

from calls import providers
from config.kernel.ids import uuid7
from config.kernel.providers import Rejected


class VoiceContract:
    @pytest.fixture
    def line(self) -> providers.VoiceProvider:
        raise NotImplementedError

    def test_it_has_a_label_for_people(self, line):
        assert line.label.strip()

    def test_it_begins_a_call_and_says_how_it_goes_on(self, line):
        handover = line.begin(to="+15125550134", extension="", reference=str(uuid7()))

        assert handover.kind in {"link", "live"}
        assert bool(handover.url) is (handover.kind == "link")

    @pytest.mark.parametrize(
        "nonsense", ["", "5125550134", "tel:+15125550134", "+1512555;ext=1", "+0123456", "#erased"]
    )
    def test_what_is_no_number_is_refused_for_good(self, line, nonsense):
        with pytest.raises(Rejected):
            line.begin(to=nonsense, extension="", reference=str(uuid7()))

    @pytest.mark.parametrize("hostile", ["1\r\nX: y", "\ud800", "9" * 5_000_000, "<script>", "\0", "%0d%0a", "12;x=1"])
    def test_hostile_extensions_never_reach_the_wire(self, line, hostile):
        handover = line.begin(to="+15125550134", extension=hostile, reference=str(uuid7()))

        assert handover.url in {"", "tel:+15125550134"}

    def test_it_can_be_named_in_the_settings(self, line, settings):
        settings.PROVIDERS = {"voice": {"BACKEND": f"{type(line).__module__}.{type(line).__qualname__}"}}

        assert providers.voice().label == line.label

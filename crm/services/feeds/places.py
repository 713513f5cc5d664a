"""Further postal addresses of a party, and their pages on social networks."""

from collections.abc import Iterator, Sequence

from crm.services.feeds.cells import Columns
from crm.services.feeds.fields import LONGEST
from crm.services.feeds.maps import PartyMap
from crm.services.feeds.records import PlaceIn
from crm.services.feeds.troubles import Trouble
from crm.services.feeds.values import Fields


class Places:
    """The places of a map, bound to the columns of one file."""

    def __init__(self, party: PartyMap, columns: Columns) -> None:
        self._addresses = [(address.label, Fields(dict(address.parts), columns)) for address in party.addresses]
        self._socials = columns.bind(party.socials)

    def read(self, cells: Sequence[str], troubles: list[Trouble], attributes: dict[str, str]) -> tuple[PlaceIn, ...]:
        """The places that the row names; what cannot be read is kept among the attributes."""
        return (*self._read_addresses(cells, troubles, attributes), *self._read_socials(cells))

    def _read_addresses(
        self, cells: Sequence[str], troubles: list[Trouble], attributes: dict[str, str]
    ) -> Iterator[PlaceIn]:
        for label, fields in self._addresses:
            parts = fields.read(cells, troubles, attributes)
            if parts:
                yield PlaceIn("address", "", label, **parts)

    def _read_socials(self, cells: Sequence[str]) -> Iterator[PlaceIn]:
        for cell in self._socials:
            if page := cell.read(cells):
                yield PlaceIn("social", page[: LONGEST["value_as_given"]], cell.place.label)

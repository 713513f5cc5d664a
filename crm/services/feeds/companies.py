"""The company a party works for, or is."""

from collections.abc import Sequence

from crm.services.feeds.cells import Columns, first
from crm.services.feeds.maps import PartyMap
from crm.services.feeds.records import CompanyIn
from crm.services.feeds.troubles import Trouble, whole
from crm.services.feeds.values import Fields, read_pages
from crm.services.normalization.companies import domain_of
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.refusals import Unusable

LISTS = ("technologies", "keywords")
MOST_WORDS = 200
LONGEST_WORD = 100
LONGEST_NAME = 200


class CompanyReader:
    def __init__(self, party: PartyMap, columns: Columns) -> None:
        places = dict(party.company)
        self.name = columns.bind(places.pop("name", ()))
        self._phone = columns.bind(places.pop("phone", ()))
        self._lists = [(name, columns.bind(places.pop(name, ()))) for name in LISTS]
        self._fields = Fields(places, columns)
        self._profiles = columns.bind(party.company_profiles)
        self._attributes = [(columns.names[at], at) for at in columns.matching(party.company_attributes)]

    def read(self, name: str, cells: Sequence[str], region: str, troubles: list[Trouble]) -> CompanyIn | None:
        """The company, or None where it has neither name nor domain: there is nothing to know it again by."""
        attributes = {column: text for column, at in self._attributes if (text := cells[at].strip())}
        fields = self._fields.read(cells, troubles, attributes)
        domain = domain_of(fields.get("domain") or fields.get("website", ""))
        if not name and not domain:
            return None
        fields["domain"] = domain
        phone = self._read_phone(cells, fields.get("country", region), troubles, attributes)
        fields |= {key: _words(first(bound, cells)) for key, bound in self._lists if bound}
        profiles = read_pages(self._profiles, cells, troubles, attributes)
        return CompanyIn(
            name=(name or domain)[:LONGEST_NAME],
            phone=phone,
            profiles=profiles,
            attributes=attributes,
            **fields,
        )

    def _read_phone(
        self, cells: Sequence[str], region: str, troubles: list[Trouble], attributes: dict[str, str]
    ) -> str:
        text = first(self._phone, cells)
        if not text:
            return ""
        try:
            return parse_phone(whole(text), region=region).e164
        except Unusable as error:
            troubles.append(Trouble.about(self._phone[0].column, error))
            attributes[self._phone[0].column] = text
            return ""


def _words(text: str) -> tuple[str, ...]:
    words = (word.strip()[:LONGEST_WORD] for word in text.replace(";", ",").split(","))
    return tuple(dict.fromkeys(word for word in words if word))[:MOST_WORDS]

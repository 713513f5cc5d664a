"""States, provinces and territories: their names, their time zones, and what a postal code says about both.

Sources: tzdata's zone.tab for the zones, the Postal Service's list of three-digit prefixes and Canada Post's first
letters for the states. A prefix is tied to one zone of a split state only where all of it keeps that time; in every
other case all zones of the state stand.
"""

from functools import lru_cache
from types import MappingProxyType
from typing import Final

ALASKA, HAWAII, ARIZONA = "America/Anchorage", "Pacific/Honolulu", "America/Phoenix"
EASTERN, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
TORONTO, WINNIPEG, EDMONTON, VANCOUVER = "America/Toronto", "America/Winnipeg", "America/Edmonton", "America/Vancouver"

# Zones that keep the same time today share one name, so that profiles stay few: Detroit and Indianapolis are Eastern,
# Juneau is Anchorage. Arizona has Denver besides: the Navajo Nation moves its clocks.
REGIONS: Final = MappingProxyType(
    {
        "US-AK": ("Alaska", ALASKA, "America/Adak"),
        "US-AL": ("Alabama", CENTRAL),
        "US-AR": ("Arkansas", CENTRAL),
        "US-AS": ("American Samoa", "Pacific/Pago_Pago"),
        "US-AZ": ("Arizona", ARIZONA, MOUNTAIN),
        "US-CA": ("California", PACIFIC),
        "US-CO": ("Colorado", MOUNTAIN),
        "US-CT": ("Connecticut", EASTERN),
        "US-DC": ("District of Columbia", EASTERN),
        "US-DE": ("Delaware", EASTERN),
        "US-FL": ("Florida", EASTERN, CENTRAL),
        "US-GA": ("Georgia", EASTERN),
        "US-GU": ("Guam", "Pacific/Guam"),
        "US-HI": ("Hawaii", HAWAII),
        "US-IA": ("Iowa", CENTRAL),
        "US-ID": ("Idaho", "America/Boise", PACIFIC),
        "US-IL": ("Illinois", CENTRAL),
        "US-IN": ("Indiana", EASTERN, CENTRAL),
        "US-KS": ("Kansas", CENTRAL, MOUNTAIN),
        "US-KY": ("Kentucky", EASTERN, CENTRAL),
        "US-LA": ("Louisiana", CENTRAL),
        "US-MA": ("Massachusetts", EASTERN),
        "US-MD": ("Maryland", EASTERN),
        "US-ME": ("Maine", EASTERN),
        "US-MI": ("Michigan", EASTERN, CENTRAL),
        "US-MN": ("Minnesota", CENTRAL),
        "US-MO": ("Missouri", CENTRAL),
        "US-MP": ("Northern Mariana Islands", "Pacific/Saipan"),
        "US-MS": ("Mississippi", CENTRAL),
        "US-MT": ("Montana", MOUNTAIN),
        "US-NC": ("North Carolina", EASTERN),
        "US-ND": ("North Dakota", CENTRAL, MOUNTAIN),
        "US-NE": ("Nebraska", CENTRAL, MOUNTAIN),
        "US-NH": ("New Hampshire", EASTERN),
        "US-NJ": ("New Jersey", EASTERN),
        "US-NM": ("New Mexico", MOUNTAIN),
        "US-NV": ("Nevada", PACIFIC, MOUNTAIN),
        "US-NY": ("New York", EASTERN),
        "US-OH": ("Ohio", EASTERN),
        "US-OK": ("Oklahoma", CENTRAL),
        "US-OR": ("Oregon", PACIFIC, "America/Boise"),
        "US-PA": ("Pennsylvania", EASTERN),
        "US-PR": ("Puerto Rico", "America/Puerto_Rico"),
        "US-RI": ("Rhode Island", EASTERN),
        "US-SC": ("South Carolina", EASTERN),
        "US-SD": ("South Dakota", CENTRAL, MOUNTAIN),
        "US-TN": ("Tennessee", CENTRAL, EASTERN),
        "US-TX": ("Texas", CENTRAL, MOUNTAIN),
        "US-UT": ("Utah", MOUNTAIN),
        "US-VA": ("Virginia", EASTERN),
        "US-VI": ("Virgin Islands", "America/St_Thomas"),
        "US-VT": ("Vermont", EASTERN),
        "US-WA": ("Washington", PACIFIC),
        "US-WI": ("Wisconsin", CENTRAL),
        "US-WV": ("West Virginia", EASTERN),
        "US-WY": ("Wyoming", MOUNTAIN),
        "CA-AB": ("Alberta", EDMONTON),
        "CA-BC": ("British Columbia", VANCOUVER, EDMONTON, "America/Fort_Nelson"),
        "CA-MB": ("Manitoba", WINNIPEG),
        "CA-NB": ("New Brunswick", "America/Halifax"),
        "CA-NL": ("Newfoundland and Labrador", "America/St_Johns", "America/Goose_Bay"),
        "CA-NS": ("Nova Scotia", "America/Halifax"),
        "CA-NT": ("Northwest Territories", EDMONTON, "America/Inuvik"),
        "CA-NU": ("Nunavut", "America/Iqaluit", "America/Atikokan", "America/Rankin_Inlet", "America/Cambridge_Bay"),
        "CA-ON": ("Ontario", TORONTO, WINNIPEG, "America/Atikokan"),
        "CA-PE": ("Prince Edward Island", "America/Halifax"),
        "CA-QC": ("Quebec", TORONTO, "America/Halifax", "America/Blanc-Sablon"),
        "CA-SK": ("Saskatchewan", "America/Regina", EDMONTON),
        "CA-YT": ("Yukon", "America/Whitehorse"),
    }
)
TERRITORIAL: Final = frozenset({"US-AS", "US-GU", "US-MP", "US-PR", "US-VI"})

_POSTAL_REGIONS: Final = (
    "US-DC 200 202-205|US-AK 995-999|US-AL 350-369|US-AR 716-729|US-AZ 850-865|US-CA 900-961|US-CO 800-816"
    "|US-CT 060-069|US-DE 197-199|US-FL 320-339 341-349|US-GA 300-319 398-399|US-GU 969|US-HI 967-968|US-IA 500-528"
    "|US-ID 832-838|US-IL 600-629|US-IN 460-479|US-KS 660-679|US-KY 400-427|US-LA 700-714|US-MA 010-027 055"
    "|US-MD 206-219|US-ME 039-049|US-MI 480-499|US-MN 550-567|US-MO 630-658|US-MS 386-397|US-MT 590-599|US-NC 270-289"
    "|US-ND 580-588|US-NE 680-693|US-NH 030-038|US-NJ 070-089|US-NM 870-884|US-NV 889-898|US-NY 005 100-149"
    "|US-OH 430-459|US-OK 730-732 734-749|US-OR 970-979|US-PA 150-196|US-PR 006-007 009|US-RI 028-029|US-SC 290-299"
    "|US-SD 570-577|US-TN 370-385|US-TX 733 750-799 885|US-UT 840-847|US-VA 201 220-246|US-VI 008|US-VT 050-054 056-059"
    "|US-WA 980-994|US-WI 530-549|US-WV 247-268|US-WY 820-831"
    "|CA-AB T|CA-BC V|CA-MB R|CA-NB E|CA-NL A|CA-NS B|CA-NT X|CA-NU X0A X0B X0C|CA-ON K L M N P|CA-PE C|CA-QC G H J"
    "|CA-SK S|CA-YT Y|US-MP 96950 96951 96952|US-AS 96799"
)
_POSTAL_ZONES: Final = MappingProxyType(
    {
        "US-AK": {ALASKA: "996-999"},
        "US-AZ": {ARIZONA: "850-853 855-857 859 863-864"},
        "US-FL": {EASTERN: "320-323 326-339 341-342 344 346-347 349", CENTRAL: "325"},
        "US-ID": {"America/Boise": "832-834 836-837", PACIFIC: "838"},
        "US-IN": {EASTERN: "460-462 467-468 470-473 478", CENTRAL: "464 476-477"},
        "US-KS": {CENTRAL: "660-676 679"},
        "US-KY": {EASTERN: "402-406 410-418", CENTRAL: "420-424"},
        "US-MI": {EASTERN: "480-497"},
        "US-ND": {CENTRAL: "580-584"},
        "US-NE": {CENTRAL: "680-689", MOUNTAIN: "693"},
        "US-NV": {PACIFIC: "890-897"},
        "US-OR": {PACIFIC: "970-978"},
        "US-SD": {CENTRAL: "570-574", MOUNTAIN: "577"},
        "US-TN": {CENTRAL: "370-372 380-385", EASTERN: "374 376 379"},
        "US-TX": {CENTRAL: "733 750-797", MOUNTAIN: "799 885"},
        "CA-BC": {VANCOUVER: "V2 V3 V4 V5 V6 V7 V8 V9"},
        "CA-NL": {"America/St_Johns": "A1 A5 A8"},
        "CA-NT": {EDMONTON: "X1A"},
        "CA-ON": {TORONTO: "K L M N P1 P2 P3 P4 P5 P6 P7"},
        "CA-QC": {TORONTO: "G1 G2 G3 G5 G6 G7 G8 G9 H J"},
        "CA-SK": {"America/Regina": "S4 S6 S7"},
    }
)


def zones_of(region: str, postal_code: str = "") -> tuple[str, ...]:
    """Return the zones in which somebody in ``region`` ("US-TX") may be, one only where the postal code settles it."""
    settled = _longest(_zone_prefixes(region), postal_code)
    return (settled,) if settled else REGIONS[region][1:]


def region_of_postal_code(postal_code: str) -> str:
    """Return the region ("US-TX") whose ZIP code or Canadian postal code this is, "" for any other text."""
    return _longest(_region_prefixes(), postal_code)


@lru_cache(maxsize=1)
def regions_by_name() -> MappingProxyType[str, str]:
    """Return regions by lower-case name and by code with and without the country ("texas", "tx", "us-tx")."""
    names = {name.lower(): region for region, (name, *_) in REGIONS.items()}
    codes = {region[3:].lower(): region for region in REGIONS}  # states and provinces share no code
    return MappingProxyType(names | codes | {region.lower(): region for region in REGIONS} | _ALSO_KNOWN_AS)


_ALSO_KNOWN_AS: Final = {
    "d.c.": "US-DC",
    "newfoundland": "CA-NL",
    "québec": "CA-QC",
    "u.s. virgin islands": "US-VI",
    "washington d.c.": "US-DC",
    "washington dc": "US-DC",
    "washington, d.c.": "US-DC",
    "washington, dc": "US-DC",
    "yukon territory": "CA-YT",
}


@lru_cache(maxsize=1)
def _region_prefixes() -> dict[str, str]:
    return {
        prefix: region
        for region, _, prefixes in (line.partition(" ") for line in _POSTAL_REGIONS.split("|"))
        for prefix in _expanded(prefixes)
    }


@lru_cache(maxsize=len(REGIONS))
def _zone_prefixes(region: str) -> dict[str, str]:
    settled = _POSTAL_ZONES.get(region, {})
    return {prefix: name for name, prefixes in settled.items() for prefix in _expanded(prefixes)}


def _expanded(prefixes: str) -> list[str]:
    """Return every prefix that "750-752 885" names."""
    spans = (span.partition("-") for span in prefixes.split())
    return [
        prefix
        for first, _, last in spans
        for prefix in ([f"{number:03}" for number in range(int(first), int(last) + 1)] if last else [first])
    ]


def _longest(table: dict[str, str], text: str) -> str:
    lengths = range(min(len(text), 5), 0, -1)
    return next((table[text[:length]] for length in lengths if text[:length] in table), "")

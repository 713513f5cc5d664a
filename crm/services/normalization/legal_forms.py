"""Legal forms of companies: what stands behind, before or inside a name without being part of it.

The table holds the forms of the United States in full, and of other countries those that their companies use in English
letters. More of them: the list of entity legal forms of ISO 20275, the cleanco and rigour projects.
"""

from collections.abc import Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import Final

_SPELLINGS: Final = {
    "Inc": "inc incorporated incorporation",
    "Corp": "corp corporation",
    "Co": "co company cos companies",
    "LLC": "llc lc limitedliabilitycompany limitedliabilityco",
    "PLLC": "pllc professionallimitedliabilitycompany",
    "LP": "lp limitedpartnership",
    "LLP": "llp rllp limitedliabilitypartnership",
    "LLLP": "lllp",
    "GP": "gp generalpartnership",
    "Ltd": "ltd limited ltdco coltd",
    "PLC": "plc publiclimitedcompany",
    "PC": "pc professionalcorporation profcorp",
    "PA": "pa professionalassociation",
    "PSC": "psc",
    "SC": "sc",
    "NA": "na nationalassociation",
    "Chartered": "chartered chtd",
    "Pty Ltd": "ptyltd ptylimited pty propltd",
    "Pte Ltd": "pteltd ptelimited pte",
    "Pvt Ltd": "pvtltd privatelimited pvtlimited pvt",
    "Sdn Bhd": "sdnbhd bhd",
    "GmbH": "gmbh mbh gesellschaftmitbeschrankterhaftung",
    "GmbH & Co KG": "gmbh&cokg gmbhcokg gmbh&co",
    "AG": "ag aktiengesellschaft",
    "KG": "kg kgaa",
    "UG": "ug ughaftungsbeschrankt",
    "OHG": "ohg",
    "GbR": "gbr",
    "eV": "ev",
    "SE": "se",
    "SA": "sa",
    "SAS": "sas sasu",
    "SARL": "sarl eurl sprl",
    "SL": "sl slu slne",
    "SA de CV": "sadecv sapidecv sabdecv",
    "S de RL": "sderl sderldecv",
    "Ltda": "ltda lda eirl",
    "SpA": "spa",
    "SRL": "srl sagl",
    "SNC": "snc",
    "BV": "bv bvba cvba",
    "NV": "nv",
    "AB": "ab publ",
    "A/S": "as asa aps",
    "Oy": "oy oyj",
    "sro": "sro spolsro",
    "doo": "doo dooel",
    "sp. z o.o.": "spzoo",
    "Kft": "kft zrt nyrt",
    "OOO": "ooo oao zao pao",
    "KK": "kk",
}

#: Key without punctuation and spaces, and the form as we write it.
LEGAL_FORMS: Final = MappingProxyType({key: form for form, keys in _SPELLINGS.items() for key in keys.split()})

#: Forms that are neither words nor initials nor family names: they make an organization wherever they stand.
UNMISTAKABLE: Final = frozenset(
    {
        "bhd",
        "bv",
        "bvba",
        "co",
        "companies",
        "company",
        "corp",
        "corporation",
        "gmbh",
        "inc",
        "incorporated",
        "kft",
        "kgaa",
    }
    | {
        "lc",
        "limited",
        "llc",
        "lllp",
        "llp",
        "lp",
        "ltd",
        "ltda",
        "mbh",
        "nv",
        "oyj",
        "plc",
        "pllc",
        "pte",
        "pty",
        "pvt",
    }
    | {"sadecv", "sarl", "sdnbhd", "spzoo", "srl", "sro", "zrt"}
)

#: Forms that are words, states or initials too. They count where they are written with dots ("S.p.A.") or, in a name
#: with small letters, exactly as the form is ("AG"): a nail spa is not an Italian corporation.
_SHY: Final = frozenset({"ag", "as", "ev", "gp", "kk", "se", "sas", "sl", "snc", "spa", "ug"})

_LONGEST: Final = 5  # words: S. de R.L. de C.V.
_PUNCTUATION: Final = str.maketrans("", "", ".,;:/()[]\"'")


def bare(word: str) -> str:
    """Write a word as the keys of the table are written: lower case, without dots, slashes, commas and brackets."""
    return word.translate(_PUNCTUATION).lower()


def form_at_end(words: Sequence[str]) -> tuple[int, str]:
    """Return how many of the last ``words`` spell a legal form, and the form; (0, "") where none does.

    The longest wins: "Pty Ltd" is one form, and so is "L L C".
    """
    tails = accumulate((bare(word) for word in reversed(words[-_LONGEST:])), lambda tail, word: word + tail)
    found = [(count, tail) for count, tail in enumerate(tails, start=1) if tail in LEGAL_FORMS]
    if not found or (found[-1][1] in _SHY and not _meant(words)):
        return 0, ""
    count, key = found[-1]
    return count, LEGAL_FORMS[key]


def _meant(words: Sequence[str]) -> bool:
    last = words[-1]
    return (
        "." in last.rstrip(".,")
        or "/" in last
        or (last.strip(".,") in LEGAL_FORMS.values() and any(character.islower() for character in "".join(words[:-1])))
    )

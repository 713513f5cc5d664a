"""What an answer means that has to be understood without a person: an opt-out, an automatic reply, or neither.

A definite opt-out is never missed: when in doubt about these words they are one. Everything else is a reply, which
stops a walk too.
"""

import re
import unicodedata
from typing import Final

OPT_OUT, AUTOMATIC, START, REPLY = "opt_out", "auto_reply", "start", ""
READ: Final = 4_000  # characters of an answer that are looked at

# CTIA and carriers (Twilio, AWS), FCC 47 CFR 64.1200(a)(10), and the words of neighbouring languages.
KEYWORDS: Final = frozenset(
    {
        *("stop", "stopall", "unsubscribe", "unsubscribeme", "cancel", "end", "quit", "revoke", "optout", "remove"),
        *("removeme", "stopp", "arret", "arreter", "desabonner", "annuler", "alto", "parar", "pare", "baja", "detener"),
        *("cancelar", "sair", "abmelden", "abbestellen", "td", "stoptext", "stoptexting", "stopit", "pleasestop"),
        *("stopnow", "stop2quit", "stop2end", "stopplease", "optmeout", "ioptout"),
    }
)
_STARTS: Final = frozenset({"start", "unstop"})
# Whoever begins with "stop" means it, unless they ask us to stop by.
_STOPS: Final = re.compile(r"(?:stop|stopall|unsubscribe|optout|revoke)\b(?! (?:by|in|over|at|for|here|sign|light)\b)")
_PHRASES: Final = re.compile(
    r"\b(?:unsubscribe|opt(?:ing|ed)? (?:me )?out|please stop"
    r"|stop (?:texting|calling|messaging|emailing|mailing|contacting|sending|spamming|bothering|writing)"
    r"|(?:take|remove|delete|drop|scratch) (?:me|us|my (?:name|number|email|e mail|address|info))\b"
    r"|lose my (?:number|email)"
    r"|(?:do not|dont|don t|never|quit) (?:text|call|message|contact|email|e mail|write|bother|msg)"
    r"|(?:quit|cease) (?:texting|calling|messaging|emailing|contacting)"
    r"|(?:no|want any) more (?:texts?|messages?|calls?|emails?|e mails?)"
    r"|leave me alone|do not disturb|wrong (?:number|person)|this is not me|did not sign up|didn t sign up"
    r"|(?:piss|fuck) off)\b"
)
_AWAY: Final = re.compile(
    r"(?:auto(?:matic|mated|matische)? ?(?:reply|response|antwort|responder)|auto ?reply|out of (?:the )?office"
    r"|(?:hi|hello|thanks|thank you)?(?: for your (?:e ?mail|message))? ?"
    r"(?:i am|i m|i will be) (?:currently |now )?"
    r"(?:out of (?:the )?office|away|driving|on (?:vacation|annual leave|parental leave|holiday|leave))"
    r"|abwesenheit\w*|ich bin (?:derzeit |zurzeit )?nicht im buro|absence du bureau|je suis absente?"
    r"|fuera de la oficina|respuesta automatica|reponse automatique)\b"
)
_QUOTED: Final = re.compile(
    r"^(?:>.*|-{2,} ?(?:original|forwarded) message.*|on .{0,200}wrote:|from: .*)$", re.IGNORECASE | re.MULTILINE
)
_ENDS: Final = re.compile(r"[.!?;]+\s")  # of a sentence
_UNSEEN: Final = {"Mn", "Cf", "Cs", "Cc"}  # accents, joiners, half characters, controls
# Letters of other alphabets that look like ours, as they are used to get past filters.
_ALIKE: Final = str.maketrans("аеорсухіѕтһκοτρѵ", "aeopcyxisthkotpv") | {0x131: "i", 0x2019: "'", 0x30: "o"}


def meaning(text: str, *, subject: str = "", automatic: bool = False) -> str:
    """Return ``OPT_OUT``, ``AUTOMATIC``, ``START`` or ``REPLY``. ``automatic``: the sender's program says so itself."""
    written = _own_words(text[:READ])
    heads = [words for words in (_words(written), _words(subject[:READ])) if words]
    parts = [_words(part) for line in (*written.splitlines(), subject[:READ]) for part in (line, *_ENDS.split(line))]
    if _is_opt_out(_words(written)) or any(_is_keyword(part) for part in parts):
        return OPT_OUT
    if automatic or any(_AWAY.match(words) for words in heads):
        return AUTOMATIC
    return START if heads and heads[0] in _STARTS else REPLY


def _is_keyword(words: str) -> bool:
    return words.replace(" ", "") in KEYWORDS


def _is_opt_out(words: str) -> bool:
    return _is_keyword(words) or _STOPS.match(words) is not None or _PHRASES.search(words) is not None


def _own_words(text: str) -> str:
    """What they wrote themselves: an answer by e-mail has our own words, and our own "unsubscribe", below it."""
    quoted = _QUOTED.search(text)
    own = text[: quoted.start()] if quoted else text
    return own if own.strip() else text


def _words(text: str) -> str:
    """Lower case, without accents, signs or look-alikes, one space between words; "S T O P" keeps its letters."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(sign for sign in plain if sign.isspace() or unicodedata.category(sign) not in _UNSEEN)
    return " ".join(re.findall(r"[^\W_]+", kept.translate(_ALIKE)))

"""How the simulated carrier and the people behind it behave: by probabilities and a seed, the same in whatever order.

What happens on the wire is drawn for each try (its token), what becomes of a message and whether a program scans it
for its recipient, what they answer and whether they click for recipient and text. A mode that a test sets for a
recipient, or for "*", decides before any die is cast.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import blake2b
from typing import Any

WIRE = ("error_before", "error_after", "hang_before", "hang_after", "garbage", "early")
MODES = frozenset(
    {
        "accept", "refuse", "opted_out", "undelivered", "silent", "reply", "opt_out", "out_of_office", "click", "scan",
        *("reset_before", "reset_after", "truncated", "error_in_200", "no_code", "redirect", "limit", "unauthorized"),
        *WIRE,
    }
)  # fmt: skip
REPLIES = (
    "Yes, that works. What time?",
    "Who is this?",
    "Can you send me more information?",
    "Not right now, maybe next quarter.",
    "Thanks! Please call me tomorrow morning.",
    "We already have a supplier, but send your prices.",
    "👍",
    "Wer sind Sie?",
)
OPT_OUTS = ("STOP", "stop", " Stop. ", "STOPALL", "Unsubscribe", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "opt out")
AWAY = (
    "Automatic reply: I am out of the office until Monday.",
    "I'm currently out of office with limited access to e-mail.",
    "Auto-reply: I am driving right now and will answer later.",
)


@dataclass(frozen=True)
class Behaviour:
    """All that can be set. Shares lie between 0 and 1; times are in seconds, ``latency_ms`` of the answer apart.

    ``speed`` lets the time between handover and news pass faster. ``rate`` is how many messages a second are taken, 0
    for any. After ``suspend_after`` messages, or while ``suspended``, the account is refused. Each answer is written in
    ``pieces``.
    """

    seed: int = 1
    latency_ms: float = 50
    speed: float = 1
    rate: float = 0
    retry_after: int = 1
    pieces: int = 1
    suspended: bool = False
    suspend_after: int | None = None
    hang: float = 30
    error_before: float = 0.002
    error_after: float = 0.002
    hang_before: float = 0
    hang_after: float = 0
    garbage: float = 0
    early: float = 0
    refuse: float = 0.01
    undelivered: float = 0.03
    silent: float = 0.005
    duplicate: float = 0.05
    disorder: float = 0.05
    opt_out: float = 0.02
    out_of_office: float = 0.02
    reply: float = 0.1
    click: float = 0.15
    scan: float = 0.05
    deliver_least: float = 1
    deliver_most: float = 6
    reply_least: float = 8
    reply_most: float = 60
    modes: dict[str, str] = field(default_factory=dict)

    def changed(self, **changes: Any) -> "Behaviour":
        """Return it with ``changes``. :raises ValueError: naming what is unknown or makes no sense."""
        known = {one.name: one.default for one in fields(self)}
        if unknown := set(changes) - set(known):
            raise ValueError(f"There is nothing called {', '.join(sorted(unknown))}.")
        modes = changes.get("modes", {})
        if not isinstance(modes, dict) or (unknown := {str(mode) for mode in modes.values()} - MODES):
            raise ValueError(f"modes maps recipients to one of {', '.join(sorted(MODES))}.")
        numbers = [(name, value) for name, value in changes.items() if name not in {"modes", "suspend_after"}]
        if wrong := [name for name, value in numbers if not isinstance(value, int | float) or value < 0]:
            raise ValueError(f"{', '.join(sorted(wrong))} must be numbers of 0 or more.")
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def mode_of(self, to: str) -> str:
        return self.modes.get(to) or self.modes.get("*") or ""

    def wire(self, to: str, token: str) -> str:
        """Return what happens on the wire in this try: one of ``MODES``, or "" for a plain answer."""
        if mode := self.mode_of(to):
            return mode
        return self._drawn(WIRE, "wire", token)

    def fate(self, to: str) -> str:
        """Return what becomes of messages to ``to``: "refuse", "undelivered", "silent" or "" for delivered."""
        mode = self.mode_of(to)
        return mode if mode in _FATES else "" if mode else self._drawn(_FATES, "fate", to)

    def answer(self, to: str, text: str) -> str:
        """Return what ``to`` answers to ``text``; nothing, where they do not."""
        mode = self.mode_of(to)
        kind = mode if mode in _ANSWERS else "" if mode else self._drawn(tuple(_ANSWERS), "answer", f"{to}\0{text}")
        if not kind:
            return ""
        words = _ANSWERS[kind]
        return words[int(self.draw("words", f"{to}\0{text}") * len(words))]

    def clicks(self, to: str, text: str) -> bool:
        """Say whether ``to`` opens the link in ``text``, after they have read it."""
        return self._does("click", to, f"{to}\0{text}")

    def scans(self, to: str) -> bool:
        """Say whether a program of ``to`` opens every link before anybody reads it."""
        return self._does("scan", to, to)

    def between(self, least: float, most: float, what: str, key: str) -> float:
        return least + (most - least) * self.draw(what, key)

    def draw(self, what: str, key: str) -> float:
        """Return a number in [0, 1) that only the seed and its names decide."""
        drawn = blake2b(f"{self.seed}\0{what}\0{key}".encode(errors="replace"), digest_size=8).digest()
        return int.from_bytes(drawn) / 2**64

    def _does(self, what: str, to: str, key: str) -> bool:
        mode = self.mode_of(to)
        return mode == what if mode else self.draw(what, key) < float(getattr(self, what))

    def _drawn(self, names: tuple[str, ...], what: str, key: str) -> str:
        left = self.draw(what, key)
        for name in names:
            left -= getattr(self, name)
            if left < 0:
                return name
        return ""


_FATES = ("refuse", "undelivered", "silent")
_ANSWERS = {"opt_out": OPT_OUTS, "out_of_office": AWAY, "reply": REPLIES}

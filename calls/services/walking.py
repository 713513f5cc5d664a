"""The walk of the queue: the hints on the pairs propose who is called next, best first; nothing is proved by them.

A callback belongs to the rep who promised it for a quarter of an hour; then to everybody.

Order: due callbacks, earliest first; then priority; then the longest silent, the never called before all; then age.
The walk reads two partial indexes in their order, profile by profile, so that its cost does not grow with the pairs
behind them (DESIGN 12).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from calls.rules import opening
from calls.rules.policies import TERMS, Policy
from calls.services import sieve
from calls.services.sieve import Candidate, Wanted
from config.kernel import clock, prepared
from config.kernel.gate import Asked
from crm.choices import Channel
from crm.models import User
from crm.services.normalization.places import candidates_of

PROMISED = timedelta(minutes=15)
CALLBACKS = 500  # due ones that are looked at; who leaves more waiting than that makes them in any order
FEW = 16  # places
FIRST_LOOK, LOOKS = 64, 6  # candidates per look: 64, 256, 1024, ... until enough of them pass
KNOWN = 1.0  # seconds
_known: list[tuple[float, opening.Book, Policy]] = []  # what was read last, and when


@dataclass(frozen=True)
class Walk:
    """One question to the queue: who asks, whom they want, and the circumstances that all its looks share."""

    user: User
    at: datetime
    wanted: Wanted
    book: opening.Book
    policy: Policy

    def looks(self, size: int | None = None) -> Iterator["Look"]:
        """Yield a look at those due for a callback and at the best ``size``, then at four times as many, and so on.

        It ends when a look that was taken came to the end of the hints.
        """
        size = size or FIRST_LOOK
        for number in range(LOOKS):
            look = Look(self, size, first=not number)
            yield look
            if look.is_last:
                return
            size *= 4

    @cached_property
    def asked(self) -> Asked:
        """What the set face of the gate is asked, with what it would have to read first."""
        opened = self._opened, self.book.table.is_open(opening.UNKNOWN, self.at)
        memory = {"policy": self.policy, "opened": opened}
        return Asked(at=self.at, channel=Channel.CALL.value, user_id=self.user.pk, memory=memory)

    @cached_property
    def _opened(self) -> list[UUID]:
        return self.book.open_ids(self.at, Channel.CALL)

    @cached_property
    def terms(self) -> str:
        """Which pairs the walk may propose; everything that varies is a parameter."""
        chosen = {"project_id": self.wanted.project, "priority": self.wanted.priority}
        terms = [_MAY, *(f"pc.{column} = %({column})s" for column, value in chosen.items() if value)]
        if self.wanted.owner:
            terms.append(_OWNED.format(table="crm_contact", key="contact_id", owner="o.owner_id = %(owner_id)s"))
        if not self.user.is_active:
            terms.append("false")
        elif not self.user.sees_everything:
            terms += [
                _OWNED.format(table=table, key=key, owner=_MINE)
                for table, key in (("crm_contact", "contact_id"), ("crm_project", "project_id"))
            ]
        return " AND ".join(terms)

    @cached_property
    def params(self) -> dict[str, Any]:
        profiles = self._opened
        if self.wanted.zone:
            profiles = [profile for profile in profiles if _lies_in(self.wanted.zone, self.book.keys[profile])]
        own = {"at": self.at, "user": self.user.pk, "late": self.at - PROMISED, "profiles": profiles}
        return {**self.wanted.params, **own}


@dataclass
class Look:
    """Some of the best pairs, as far as their hints know."""

    walk: Walk
    size: int
    first: bool
    is_last: bool = field(default=False, init=False)

    def hinted(self) -> list[Candidate]:
        """Return them, best first, without asking the gate about any of them: whoever takes one proves it."""
        sql = f"SELECT * FROM ({self.text}) walked ORDER BY hinted, place"  # noqa: S608 - our own text
        return self._seen([Candidate(*row[:3]) for row in prepared.rows(sql, self.walk.params)])

    def passing(self) -> list[Candidate]:
        """Return them, best first; who does not pass the set face of the gate is without a contact.

        :raises config.kernel.gate.GateFault: the gate is out of order.
        """
        walk = self.walk
        return self._seen(sieve.passing(self.text, walk.params, user=walk.user, asked=walk.asked, wanted=walk.wanted))

    @property
    def text(self) -> str:
        deep = _depth(self.size, len(self.walk.params["profiles"]))
        walk = _WALK.format(terms=self.walk.terms, size=self.size, deep=deep)
        return f"({_DUE.format(terms=self.walk.terms, most=CALLBACKS)}) UNION ALL ({walk})" if self.first else walk

    def _seen(self, found: list[Candidate]) -> list[Candidate]:
        self.is_last = sum(one.hinted for one in found) < self.size
        return found


def begin(*, user: User, at: datetime, wanted: Wanted) -> Walk:
    """Read what all looks share: the law, the places there are, and the policy for all.

    :raises calls.rules.law.UnreadableHours: the law makes no sense.
    """
    ((law, places, *terms),) = prepared.rows(_CIRCUMSTANCES)
    book, policy = opening.book_of(law, places), Policy() if terms[0] is None else Policy(*terms)
    _known[:] = [(clock.monotonic(), book, policy)]
    return Walk(user, at, wanted, book, policy)


def begin_at_once(*, user: User, at: datetime, wanted: Wanted) -> Walk | None:
    """Begin a walk by what a walk of this process read within the last second; None: there was none.

    For whoever proves what is proposed, and begins anew before they give up.
    """
    for since, book, policy in _known:
        if since > clock.monotonic() - KNOWN:
            return Walk(user, at, wanted, book, policy)
    return None


def _lies_in(zone: str, profile: str) -> bool:
    return zone in {candidate for candidate, _ in candidates_of(profile)}


_CIRCUMSTANCES = f"""
    SELECT {opening.STATE}, {opening.PLACES}, {", ".join(TERMS)}
    FROM (SELECT) one LEFT JOIN calls_callingpolicy ON project_id IS NULL"""  # noqa: S608 - our own names

# Whose promise it is calls first; and whom a colleague holds comes and goes too fast for a hint. Who is held is read
# once: few are, and whatever churns is slow to probe.
_MAY = """pc.callable_from <= %(at)s
      AND (pc.callback_at IS NULL OR pc.callback_by_id IS NULL OR pc.callback_by_id = %(user)s
           OR pc.callback_at <= %(late)s)
      AND pc.contact_id NOT IN (SELECT held.contact_id FROM calls_lease held
                                WHERE held.expires_at > %(at)s AND held.user_id <> %(user)s)"""
# Asked here, and not only of those who are found, so that a long stretch of a colleague's people does not use up the
# walk.
_OWNED = "EXISTS (SELECT 1 FROM {table} o WHERE o.id = pc.{key} AND {owner})"
_MINE = "(o.owner_id IS NULL OR o.owner_id = %(user)s)"
_ORDER = "priority DESC, last_touch_at ASC NULLS FIRST, id"

_DUE = """
        SELECT pc.id, false AS hinted, pc.contact_id, pc.project_id,
               row_number() OVER (ORDER BY pc.callback_at, pc.id) AS place
        FROM crm_projectcontact pc
        WHERE pc.callback_at <= %(at)s AND pc.hours_profile_id = ANY(%(profiles)s::uuid[]) AND {terms}
        ORDER BY pc.callback_at, pc.id LIMIT {most}"""
# The best hinted pairs over all open profiles, of which there may be hundreds: so a few of each are looked at, and more
# only of those all of whose few are among the best.
_BEST = f"""
            SELECT pc.id, pc.contact_id, pc.project_id, pc.priority, pc.last_touch_at,
                   row_number() OVER (ORDER BY pc.{_ORDER}) AS nth
            FROM crm_projectcontact pc
            WHERE pc.hours_profile_id = {{profile}} AND {{{{terms}}}}
            ORDER BY pc.{_ORDER} LIMIT"""  # noqa: S608 - nothing in it comes from outside
_WALK = f"""
        WITH few AS MATERIALIZED (
            SELECT open.profile, best.* FROM unnest(%(profiles)s::uuid[]) AS open (profile)
            CROSS JOIN LATERAL ({_BEST.format(profile="open.profile")} {{deep}}) best
            ORDER BY {_ORDER} LIMIT {{size}}
        ), found AS (
            SELECT id, contact_id, project_id, priority, last_touch_at FROM few
            UNION ALL
            SELECT more.id, more.contact_id, more.project_id, more.priority, more.last_touch_at FROM few
            CROSS JOIN LATERAL ({_BEST.format(profile="few.profile")} {{size}} OFFSET {{deep}}) more
            WHERE few.nth = {{deep}} AND {{deep}} < {{size}})
        SELECT id, true AS hinted, contact_id, project_id, row_number() OVER (ORDER BY {_ORDER}) AS place
        FROM found ORDER BY {_ORDER} LIMIT {{size}}"""  # noqa: S608 - nothing in it comes from outside


def _depth(size: int, profiles: int) -> int:
    """Return how many pairs of each profile to look at first, when ``size`` are wanted: all, or a power of two.

    Where places are few, finding the first pair of each costs most, for those that rest come before it; so nobody looks
    twice. Where they are many, at most size / depth of them have that many among the best, so that profiles * depth +
    size * size / depth pairs are looked at: least where depth is size over the root of the profiles.
    """
    if profiles <= FEW:
        return size
    return 1 << max(0, round(math.log2(size / math.sqrt(profiles))))

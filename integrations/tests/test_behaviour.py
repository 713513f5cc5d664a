"""How the simulated people behave: by shares and a seed."""

from collections import Counter

from integrations.simulated.carrier.behaviour import Behaviour


def test_it_is_the_same_for_one_seed_in_any_order_and_another_for_another():
    numbers = [f"+1512555{n:04}" for n in range(400)]

    def lives(seed, order):
        does = Behaviour(seed=seed, undelivered=0.3, reply=0.3, error_before=0.2)
        return {to: (does.fate(to), does.answer(to, "Hello"), does.wire(to, f"token of {to}")) for to in order}

    assert lives(1, numbers) == lives(1, reversed(numbers))
    assert lives(1, numbers) != lives(2, numbers)


def test_shares_are_kept():
    does = Behaviour(refuse=0.1, undelivered=0.2, silent=0)
    fates = Counter(does.fate(f"+1512555{n:04}") for n in range(5_000))

    assert 400 < fates["refuse"] < 600
    assert 850 < fates["undelivered"] < 1150
    assert not fates["silent"]


def test_a_mode_decides_before_any_die():
    does = Behaviour(refuse=1, modes={"*": "accept", "+15125550001": "undelivered"})

    assert (does.fate("+15125550002"), does.fate("+15125550001")) == ("", "undelivered")


def test_who_clicks_is_drawn_apart_from_who_answers_and_whose_mail_is_scanned():
    does, text = Behaviour(click=0.3, scan=0.2, reply=0.3), "https://clearline.example/"
    people = [f"person{n}@example.com" for n in range(2_000)]
    found = Counter((does.clicks(to, text), does.scans(to), bool(does.answer(to, text))) for to in people)

    assert 500 < sum(number for (clicks, _, _), number in found.items() if clicks) < 700
    assert 320 < sum(number for (_, scans, _), number in found.items() if scans) < 480
    assert len(found) == 8

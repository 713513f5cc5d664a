"""What an answer means. A definite opt-out is never missed."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.replies import AUTOMATIC, KEYWORDS, OPT_OUT, REPLY, START, meaning

WORDS = [
    "stop", "STOP", "STOPALL", "Unsubscribe", "CANCEL", "end", "Quit", "REVOKE", "OPTOUT", "opt out", "Opt-Out",
    "ARRET", "arrêt", "Stopp", "ALTO", "abmelden",
]  # fmt: skip
DRESSED = [
    "{}",
    " {} ",
    "{}.",
    "{}!!",
    "\n{}\r\n",
    '"{}"',
    "🛑 {} 🛑",
    "\u200b{}\ufeff",
    "({})",
    "\u202e{}\u202c",
    "{}\0",
]


@pytest.mark.parametrize("dressed", DRESSED)
@pytest.mark.parametrize("word", WORDS)
def test_a_keyword_alone_is_an_opt_out_however_it_is_dressed(word, dressed):
    assert meaning(dressed.format(word)) == OPT_OUT


@pytest.mark.parametrize(
    "text",
    [
        *("S T O P", "s.t.o.p", "\uff33\uff34\uff2f\uff30", "\u0455\u0442\u043e\u0440", "S\u0336T\u0336O\u0336P"),
        "ST0P", "STOP please", "Please st\u00adop text\u200bing me now", "Stop texting me", "stop, I already have one",
        "Please stop messaging me", "unsubscribe me", "Take me off the list", "Remove my name from your records",
        "don't text me", "don\u2019t contact me anymore", "Do not call", "leave me alone", "no more messages",
        "I don't want any more texts", "Delete my number", "lose my number", "I opt out", "wrong number", "stop2quit",
        "Stop. For real.", "STOP! At this point I have had enough.", "No thanks. Unsubscribe.",
    ],
)  # fmt: skip
def test_whoever_clearly_wants_no_more_has_opted_out(text):
    assert meaning(text) == OPT_OUT


@pytest.mark.parametrize(
    "text",
    [
        "Yes please", "When does it end?", "Can you cancel my appointment?", "The bus stopped here",
        "stopped by your shop yesterday", "Stop by any time", "Can you stop by on Monday?", "End of the month works",
        "Quite right", "Not right now", "👍", "", "Info", "HELP", "No thank you",
    ],
)  # fmt: skip
def test_other_words_are_a_reply(text):
    assert meaning(text) == REPLY


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("Automatic reply: I am out of the office until Monday.", ""),
        ("I'm currently out of office with limited access.", ""),
        ("I will be away until 4 May.", "Automatic reply: Hello"),
        ("Bin wieder da am Montag.", "Abwesenheitsnotiz: Hello"),
        ("Thank you for your message. I am on vacation.", ""),
        ("Auto-reply: I am driving right now", ""),
    ],
)
def test_what_nobody_wrote_is_no_reply(text, subject):
    assert meaning(text, subject=subject) == AUTOMATIC


def test_what_a_program_calls_automatic_is_automatic_unless_it_says_stop():
    assert meaning("We have got your request.", automatic=True) == AUTOMATIC
    assert meaning("STOP", automatic=True) == OPT_OUT


def test_our_own_words_below_an_answer_do_not_count():
    quoted = "> Reply STOP to unsubscribe"

    assert meaning(f"Sounds good!\n\nOn Tue, 16 Jun 2026, Riley wrote:\n{quoted}") == REPLY
    assert meaning(f"Sounds good!\n{quoted}") == REPLY
    assert meaning(f"Unsubscribe\n\nOn Tue, 16 Jun 2026, Riley wrote:\n{quoted}") == OPT_OUT
    assert meaning("", subject="Unsubscribe") == OPT_OUT
    assert meaning("Sounds good!", subject="Re: how to stop wasting time") == REPLY


def test_start_is_told_apart_and_lifts_nothing_here():
    assert [meaning(word) for word in ("START", "unstop", "start now")] == [START, START, REPLY]


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_text_has_a_meaning(text, subject):
    assert meaning(text, subject=subject) in {OPT_OUT, AUTOMATIC, START, REPLY}


@given(st.sampled_from(sorted(KEYWORDS)), st.text(alphabet=" \t\n.!?*_-\"'()🛑\u200b\u00ad", max_size=12))
def test_no_signs_around_a_keyword_hide_it(word, signs):
    assert meaning(f"{signs}{word.upper()}{signs}") == OPT_OUT


def test_a_hundred_kilobytes_of_anything_take_no_time():
    began = time.perf_counter()
    for text in ("stop " * 20_000, "on " * 40_000, ">" * 100_000, "a" * 100_000, "from: " * 20_000, "i am " * 20_000):
        meaning(text, subject=text)

    assert time.perf_counter() - began < 3

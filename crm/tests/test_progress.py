"""The line that says how far a command is, on terminals of any width."""

import fcntl
import os
import pty
import struct
import termios

import pytest

from config.kernel import clock
from crm.management.progress import Progress


def shown(*, columns: int, name: str) -> str:
    """What a terminal of so many columns is sent, without the beginning that clears the line."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(theirs, "w") as out:
        progress = Progress(out, name, 1_000, _began=clock.monotonic() - 60)
        progress.show(rows=60_000, done=100)
        progress._shown = 0.0  # as if time had passed
        progress.show(rows=123_456, done=500)
        sent = ""
        while sent.count("\r") < 2:  # a terminal hands out what it has so far
            sent += os.read(ours, 4_096).decode()
    os.close(ours)
    return sent.rpartition("\r\x1b[2K")[2]


@pytest.mark.parametrize("columns", [200, 120, 80, 60, 40, 10])
def test_the_line_never_wraps(columns):
    line = shown(columns=columns, name="austin_permits_2014_first_quarter.csv.gz")

    assert 0 < len(line) < columns


def test_on_a_usual_terminal_the_name_is_cut_and_the_rest_stays():
    line = shown(columns=80, name="austin_permits_2014_first_quarter.csv.gz")

    assert line.startswith("austin_permits_")
    assert ".." in line
    assert " 50%  123,456 rows  " in line
    assert line.endswith("to go")


def test_where_there_is_room_nothing_is_cut():
    line = shown(columns=200, name="austin_permits_2014_first_quarter.csv.gz")

    assert line.startswith("austin_permits_2014_first_quarter.csv.gz  [############............]  50%")

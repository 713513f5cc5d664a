"""`./dev carrier`: the simulated carrier alone."""

import signal
import socket
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from config.embedded import places


def test_it_never_listens_elsewhere_than_on_this_machine(settings):
    settings.SIMULATED_CARRIER_URL = "http://carrier.example.com:8002"

    with pytest.raises(CommandError, match=r"carrier\.example\.com"):
        call_command("carrier")


def test_a_taken_port_is_named(settings, tmp_path):
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        settings.SIMULATED_CARRIER_URL = f"http://127.0.0.1:{somebody.getsockname()[1]}"
        settings.SIMULATED_CARRIER_LEDGER = tmp_path / "ledger.db"

        with pytest.raises(SystemExit, match="cannot be used"):
            call_command("carrier")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_asked_to(tmp_path, how):
    command = [sys.executable, "-m", "integrations.simulated.carrier", "--port", "0", "--ledger", tmp_path / "l.db"]
    with subprocess.Popen(command, cwd=places.CHECKOUT, stderr=subprocess.PIPE, text=True) as process:
        assert "nobody is reached" in process.stderr.readline()
        process.send_signal(how)
        assert process.wait(timeout=30) == 0

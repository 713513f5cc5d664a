import asyncio
import sys
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integrations.simulated.carrier.__main__ import HOST, serve


class Command(BaseCommand):
    help = "Run the simulated carrier alone, at SIMULATED_CARRIER_URL, until Ctrl-C. Nobody is reached through it."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        address = urlsplit(settings.SIMULATED_CARRIER_URL)
        if address.hostname not in {HOST, "localhost"}:
            raise CommandError(f"It only runs on this machine: SIMULATED_CARRIER_URL names {address.hostname}.")
        try:
            asyncio.run(serve(address.port or 8002, settings.SIMULATED_CARRIER_LEDGER))
        except OSError as error:
            sys.exit(
                f"Port {address.port} cannot be used ({error.strerror}): ./dev up may run a carrier there already."
            )

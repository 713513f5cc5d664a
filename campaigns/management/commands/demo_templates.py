"""Write the templates of the demo, and what they send."""

from typing import Any

from django.core.management.base import BaseCommand

from campaigns.services import demo
from config.kernel import clock


class Command(BaseCommand):
    help = (
        "Write four templates to begin with, the texts that they send, and who sends them where a simulated carrier "
        "does. What is there already is left alone."
    )

    def handle(self, **options: Any) -> None:
        contents, templates = demo.install(at=clock.now())
        accounts = demo.install_accounts(at=clock.now())
        self.stdout.write(f"  templates   {templates} published, {contents} contents written")
        self.stdout.write(f"  senders     {accounts} simulated: nobody is reached")

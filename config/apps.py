from django.apps import AppConfig


class Config(AppConfig):
    """The project itself: whatever process starts, contradicting settings stop it here."""

    name = "config"
    verbose_name = "Clearline"

    def ready(self) -> None:
        from config.checks import refuse_contradictions

        refuse_contradictions()

"""What the forms of campaigns share."""

from typing import Any

from config.kernel.admin.edits import EditForm


class SpokenForm(EditForm):
    """Leaves it to the service to refuse what the table would: the service says why, and what to do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.validate_constraints = lambda exclude=None: None

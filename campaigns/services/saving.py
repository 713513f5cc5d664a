"""Writing a row of which the database allows one of a kind."""

from django.db import IntegrityError, models, transaction

from config.kernel.errors import Conflict
from crm.services.clashes import broken_by


def save_once(row: models.Model, *, constraint: str, taken: Conflict) -> None:
    """Write ``row``. Where another holds its place, ``taken`` is raised; what else the database refuses, as it is.

    ``constraint`` is the name of the promise that there is one of a kind.
    """
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if broken_by(error) != constraint:
            raise
        raise taken from error

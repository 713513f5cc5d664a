"""What people write about contacts, companies, projects and who is in them.

One door for interfaces: an edit of what is there, and new rows by their natural keys.
"""

from crm.services.changing import MayNotLoosen, RowDeleted, Taken, edit
from crm.services.creating import (
    ExistsOutOfScope,
    NobodyNamed,
    TryAgain,
    create_company,
    create_contact,
    create_project,
    put_in_project,
)
from crm.services.fields import EDITABLE, FieldInvalid, FieldRefused

__all__ = [
    "EDITABLE",
    "ExistsOutOfScope",
    "FieldInvalid",
    "FieldRefused",
    "MayNotLoosen",
    "NobodyNamed",
    "RowDeleted",
    "Taken",
    "TryAgain",
    "create_company",
    "create_contact",
    "create_project",
    "edit",
    "put_in_project",
]

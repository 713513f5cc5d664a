"""What people write about contacts, companies, projects and who is in them.

One door for interfaces: an edit of what is there, and new rows by their natural keys.
"""

from crm.services.changing import (
    MayNotAssign,
    MayNotLoosen,
    OwnedByOther,
    RowDeleted,
    Taken,
    beyond,
    claim,
    edit,
    possible_owners,
)
from crm.services.creating import (
    NobodyNamed,
    TryAgain,
    create_company,
    create_contact,
    create_project,
    put_in_project,
)
from crm.services.fields import EDITABLE, FieldInvalid, FieldRefused
from crm.services.scope import ExistsOutOfScope

__all__ = [
    "EDITABLE",
    "ExistsOutOfScope",
    "FieldInvalid",
    "FieldRefused",
    "MayNotAssign",
    "MayNotLoosen",
    "NobodyNamed",
    "OwnedByOther",
    "RowDeleted",
    "Taken",
    "TryAgain",
    "beyond",
    "claim",
    "create_company",
    "create_contact",
    "create_project",
    "edit",
    "possible_owners",
    "put_in_project",
]

from crm.models.audit import AuditEvent
from crm.models.companies import Company
from crm.models.contacts import Contact, ContactAlias, OtherName
from crm.models.endpoints import ContactPoint, Endpoint
from crm.models.notices import Notice
from crm.models.permission import Consent, GateDecision, Suppression, Touch
from crm.models.places import HoursProfile
from crm.models.projects import Project, ProjectContact
from crm.models.sources import IntakePerson, IntakeRun, ReviewItem, SourceRecord
from crm.models.users import User

__all__ = [
    "AuditEvent",
    "Company",
    "Consent",
    "Contact",
    "ContactAlias",
    "ContactPoint",
    "Endpoint",
    "GateDecision",
    "HoursProfile",
    "IntakePerson",
    "IntakeRun",
    "Notice",
    "OtherName",
    "Project",
    "ProjectContact",
    "ReviewItem",
    "SourceRecord",
    "Suppression",
    "Touch",
    "User",
]

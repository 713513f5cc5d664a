"""The words of crm: what a field may say, and which words belong together."""

from django.db import models

# Columns whose name in the database is not the word that people read.
COLUMN_WORDS = {
    "at": "When",
    "changed_at": "Changed",
    "created_at": "Added",
    "cooldown_scope": "Who waits",
    "email": "E-mail",
    "endpoint": "Number or e-mail",
    "is_primary": "Primary",
    "last_login": "Last signed in",
    "last_touch_at": "Last touch",
    "lifecycle": "Stage",
    "pair": "Person in a project",
    "point": "Number or address",
    "primary_email": "Primary e-mail",
    "rows_done": "Rows read",
    "rule_id": "Rule",
    "taken_at": "Taken",
    "updated_at": "Changed",
    "verified_at": "Verified",
    "verified_on": "Looked up",
}


class Role(models.TextChoices):
    ADMIN = "admin", "Admin"
    BDR = "bdr", "BDR"


class Channel(models.TextChoices):
    CALL = "call", "Call"
    SMS = "sms", "SMS"
    EMAIL = "email", "E-mail"
    VOICEMAIL = "voicemail", "Voicemail"


class EndpointKind(models.TextChoices):
    PHONE = "phone", "Phone"
    EMAIL = "email", "E-mail"


class PointKind(models.TextChoices):
    PHONE = "phone", "Phone"
    EMAIL = "email", "E-mail"
    ADDRESS = "address", "Postal address"
    SOCIAL = "social", "Profile"


REACHED_BY = {
    Channel.CALL: EndpointKind.PHONE,
    Channel.SMS: EndpointKind.PHONE,
    Channel.VOICEMAIL: EndpointKind.PHONE,
    Channel.EMAIL: EndpointKind.EMAIL,
}


class LineType(models.TextChoices):
    MOBILE = "mobile", "Mobile"
    LANDLINE = "landline", "Landline"
    MOBILE_OR_LANDLINE = "mobile_or_landline", "Mobile or landline"
    VOIP = "voip", "VoIP"
    TOLL_FREE = "toll_free", "Toll-free"
    PREMIUM = "premium", "Premium"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Unknown"


class PointState(models.TextChoices):
    GOOD = "good", "Good"
    WRONG_PERSON = "wrong_person", "Wrong person"


class Lifecycle(models.TextChoices):
    NEW = "new", "New"
    CONTACTED = "contacted", "Contacted"
    QUALIFIED = "qualified", "Qualified"
    PROPOSAL = "proposal", "Proposal"
    NEGOTIATION = "negotiation", "Negotiation"
    CLOSED_WON = "closed_won", "Closed won"
    CLOSED_LOST = "closed_lost", "Closed lost"
    NURTURING = "nurturing", "Nurturing"


class Priority(models.IntegerChoices):
    LOW = 1, "Low"
    MEDIUM = 2, "Medium"
    HIGH = 3, "High"
    URGENT = 4, "Urgent"


class SuppressionReason(models.TextChoices):
    ASKED = "asked", "Asked us to stop"
    OPTED_OUT = "opted_out", "Opted out by reply"
    COMPLAINT = "complaint", "Complaint"
    BOUNCE = "bounce", "Hard bounce"
    LIST = "list", "On a do-not-contact list"
    LEGAL = "legal", "Legal"
    MANUAL = "manual", "Set by hand"


class ConsentKind(models.TextChoices):
    GIVEN = "given", "Given"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Operation(models.TextChoices):
    CREATE = "create", "Created"
    UPDATE = "update", "Changed"
    DELETE = "delete", "Deleted"


class GateAction(models.TextChoices):
    LEASE = "lease", "Lease"
    DIAL = "dial", "Dial"
    DISPATCH = "dispatch", "Dispatch"


class SourceKind(models.TextChoices):
    PROJECT = "project", "Project"
    PARTY = "party", "Party"
    COMPANY = "company", "Company"


class ReviewKind(models.TextChoices):
    TWO_OWNERS = "two_owners", "Phone and e-mail belong to two people"
    SAME_NAME = "same_name", "Same name in one project"
    SECOND_NAME = "second_name", "A second name on one line"
    SHARED_LINE = "shared_line", "A known person's line, another id"
    KEPT_EDIT = "kept_edit", "A person's edit was kept"
    DELETED_LINE = "deleted_line", "Somebody new on the line of a deleted contact"
    DUPLICATE = "duplicate", "A rep says they are one person"


class IntakeState(models.TextChoices):
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Stopped by an error"

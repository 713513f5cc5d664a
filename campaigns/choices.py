"""The words of campaigns: kinds of nodes, states, named sets of states."""

from django.db import models

from crm.choices import Channel


class TemplateStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"
    ARCHIVED = "archived", "Archived"


class NodeType(models.TextChoices):
    STAGE = "stage", "Stage"
    SMS_SEND = "sms_send", "Send an SMS"
    EMAIL_SEND = "email_send", "Send an e-mail"
    VOICEMAIL_DROP = "voicemail_drop", "Drop a voicemail"
    CALL_TASK = "call_task", "Call"
    WAIT = "wait", "Wait"
    WAIT_FOR = "wait_for", "Wait for"
    BRANCH = "branch", "Branch"
    SPLIT = "split", "Split"
    JUMP = "jump", "Jump"
    EXIT = "exit", "Exit"


class Exit(models.TextChoices):
    """The ways out of a node. A branch and a split name some of theirs themselves."""

    NEXT = "next", "Next"
    HAPPENED = "happened", "It happened"
    TIMEOUT = "timeout", "Too late"
    ELSE = "else", "Else"
    AGAIN = "again", "Again"
    DONE = "done", "Often enough"


class WaitMode(models.TextChoices):
    DURATION = "duration", "For a while"
    DATE = "date", "Until a day"
    EVENT = "event", "Until some days before or after the event"
    WEEKDAY = "weekday", "Until a weekday"


class Unit(models.TextChoices):
    """Minutes and hours pass on any clock; days and weeks on the contact's calendar, at the same time of day."""

    MINUTES = "minutes", "Minutes"
    HOURS = "hours", "Hours"
    DAYS = "days", "Days"
    WEEKS = "weeks", "Weeks"


class Weekday(models.TextChoices):
    MONDAY = "monday", "Monday"
    TUESDAY = "tuesday", "Tuesday"
    WEDNESDAY = "wednesday", "Wednesday"
    THURSDAY = "thursday", "Thursday"
    FRIDAY = "friday", "Friday"
    SATURDAY = "saturday", "Saturday"
    SUNDAY = "sunday", "Sunday"


class AwaitedEvent(models.TextChoices):
    REPLY = "reply", "A reply"
    CALL_OUTCOME = "call_outcome", "The outcome of a call"
    LINK_CLICK = "link_click", "A click on a link"


class WhenBlocked(models.TextChoices):
    """What a send that the gate refuses does."""

    WAIT_OR_EXIT = "wait_or_exit", "Wait while that passes by itself, exit where it does not"
    ADVANCE = "advance", "Go on without it"
    EXIT = "exit", "Exit"


class ConsentRule(models.TextChoices):
    """The consent that a voicemail needs (47 U.S.C. 227; FCC 22-85: a ringless voicemail is a call)."""

    EXPRESS = "express", "Prior express consent"
    WRITTEN = "written", "Prior express written consent"


CHANNELS = (Channel.SMS, Channel.EMAIL, Channel.VOICEMAIL)  # on which campaigns send
SENT_ON = [(each.value, each.label) for each in CHANNELS]
SENDS = [NodeType.SMS_SEND, NodeType.EMAIL_SEND, NodeType.VOICEMAIL_DROP]
WAITS = [NodeType.WAIT, NodeType.WAIT_FOR]


class CampaignStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    SCHEDULED = "scheduled", "Scheduled"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    DRAINING = "draining", "Draining"
    COMPLETED = "completed", "Completed"
    ARCHIVED = "archived", "Archived"


class EventType(models.TextChoices):
    IN_PERSON = "in_person", "In-Person"
    VIRTUAL = "virtual", "Virtual"


class Reentry(models.TextChoices):
    """When somebody who has been through a campaign may begin it again."""

    NEVER = "never", "Never"
    ENDED = "ended", "Once they are through"
    RESTED = "rested", "Some days after they are through"


class EnrollmentState(models.TextChoices):
    PENDING = "pending", "Not started"
    ACTIVE = "active", "On the way"
    WAITING = "waiting", "Waiting"
    WAITING_SEND = "waiting_send", "Sending"
    PAUSED = "paused", "Paused"
    PARKED = "parked", "Needs somebody"
    EXITED = "exited", "Left"
    COMPLETED = "completed", "Through"


class EnrollmentEventKind(models.TextChoices):
    ENROLLED = "enrolled", "Enrolled"
    PASSED = "passed", "Passed"
    ARRIVED = "arrived", "Arrived"
    BLOCKED = "blocked", "Blocked"
    STATUS = "status", "Status"
    PAUSED = "paused", "Paused"
    RESUMED = "resumed", "Resumed"
    PARKED = "parked", "Parked"
    EXITED = "exited", "Left"
    COMPLETED = "completed", "Completed"


class HappeningKind(models.TextChoices):
    """What happens to people while they walk through a campaign."""

    REPLY = "reply", "A reply"
    CALL_OUTCOME = "call_outcome", "The outcome of a call"
    LINK_CLICK = "link_click", "A click on a link"
    OPT_OUT = "opt_out", "An opt-out"
    MEETING = "meeting", "A meeting was booked"
    REACHABILITY = "reachability", "Whether they may be approached"


class RunState(models.TextChoices):
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Stopped by an error"


class MessageState(models.TextChoices):
    """What became of a message that goes out (see ``models.messages`` for the ways between them)."""

    PENDING = "pending", "Waiting"
    CLAIMED = "claimed", "Taken"
    DISPATCHING = "dispatching", "Being handed over"
    ACCEPTED = "accepted", "Handed over"
    DELIVERED = "delivered", "Delivered"
    UNDELIVERED = "undelivered", "Not delivered"
    REJECTED = "rejected", "Rejected"
    UNCERTAIN = "uncertain", "Uncertain"
    NOT_SENT_PRESUMED = "not_sent_presumed", "Presumably not sent"
    BLOCKED = "blocked", "Blocked"
    EXPIRED = "expired", "Too late"
    CANCELLED = "cancelled", "Cancelled"
    RECEIVED = "received", "Received"


class Anomaly(models.TextChoices):
    """What is wrong with what we know of a message."""

    LATE_EVIDENCE = "late_evidence", "Sent after all"
    NOT_IN_LEDGER = "not_in_ledger", "Unknown to its provider"


class AttemptOutcome(models.TextChoices):
    DISPATCHING = "dispatching", "Under way"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    NOT_SENT = "not_sent", "Certainly not sent"
    UNCERTAIN = "uncertain", "Uncertain"
    NOT_SENT_PRESUMED = "not_sent_presumed", "Presumably not sent"


class MessageDirection(models.TextChoices):
    OUTBOUND = "outbound", "Out"
    INBOUND = "inbound", "In"


RUNNING = [CampaignStatus.ACTIVE, CampaignStatus.DRAINING]  # people are moved
OVER = [CampaignStatus.COMPLETED, CampaignStatus.ARCHIVED]  # people leave
LIVE = [
    EnrollmentState.PENDING,
    EnrollmentState.ACTIVE,
    EnrollmentState.WAITING,
    EnrollmentState.WAITING_SEND,
    EnrollmentState.PAUSED,
    EnrollmentState.PARKED,
]
MOVING = [EnrollmentState.PENDING, EnrollmentState.ACTIVE, EnrollmentState.WAITING, EnrollmentState.WAITING_SEND]
ENDED = [EnrollmentState.EXITED, EnrollmentState.COMPLETED]
# Whatever may still be told of these, the walk that sent them goes on. What is presumably not sent waits for a person.
SETTLED = [
    MessageState.ACCEPTED,
    MessageState.DELIVERED,
    MessageState.UNDELIVERED,
    MessageState.REJECTED,
    MessageState.BLOCKED,
    MessageState.EXPIRED,
    MessageState.CANCELLED,
]
# Where no message was meant to end.
AMISS = [
    MessageState.UNDELIVERED,
    MessageState.REJECTED,
    MessageState.UNCERTAIN,
    MessageState.NOT_SENT_PRESUMED,
    MessageState.BLOCKED,
    MessageState.EXPIRED,
    MessageState.CANCELLED,
]
NEVER_SENT = [MessageState.BLOCKED, MessageState.EXPIRED, MessageState.CANCELLED]
UNSURE = [MessageState.UNCERTAIN, MessageState.NOT_SENT_PRESUMED]  # somebody decides, or a provider is asked
# Where each message that a campaign has written is now, in the words of its numbers: in one of these, and only there.
DELIVERIES = {
    "waiting": [MessageState.PENDING, MessageState.CLAIMED, MessageState.DISPATCHING],
    "unconfirmed": [MessageState.ACCEPTED],
    "delivered": [MessageState.DELIVERED],
    "undelivered": [MessageState.UNDELIVERED],
    "failed": [MessageState.REJECTED],
    "unsure": UNSURE,
    "blocked": [MessageState.BLOCKED],
    "not_sent": [MessageState.EXPIRED, MessageState.CANCELLED],
}

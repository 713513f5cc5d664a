"""The words of campaigns: kinds of nodes, states, named sets of states."""

from django.db import models


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


SENDS = [NodeType.SMS_SEND, NodeType.EMAIL_SEND, NodeType.VOICEMAIL_DROP]
WAITS = [NodeType.WAIT, NodeType.WAIT_FOR]

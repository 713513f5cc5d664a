"""The words of calls: states, named sets of states, allowed moves."""

from django.db import models

ACCESS_CHANGED = "access_changed"  # the hint upon which a rep's screens ask again whether they may listen


class Direction(models.TextChoices):
    OUTBOUND = "outbound", "Outbound"
    INBOUND = "inbound", "Inbound"


class CallSource(models.TextChoices):
    DESK = "desk", "Call desk"
    API = "api", "API"
    ADMIN = "admin", "Admin"
    PROVIDER = "provider", "Telephone company"
    SIMULATED = "simulated", "Simulated line"


class EventKind(models.TextChoices):
    INITIATED = "initiated", "Initiated"
    RINGING = "ringing", "Ringing"
    ANSWERED = "answered", "Answered"
    BUSY = "busy", "Busy"
    FAILED = "failed", "Failed"
    VOICEMAIL = "voicemail", "Voicemail"
    COMPLETED = "completed", "Completed"
    RECORDING = "recording", "Recording"
    OUTCOME = "outcome", "Outcome"
    NOTE = "note", "Note"
    CORRECTION = "correction", "Correction"


class Status(models.TextChoices):
    INITIATED = "initiated", "Initiated"
    RINGING = "ringing", "Ringing"
    ANSWERED = "answered", "Talking"
    BUSY = "busy", "Busy"
    FAILED = "failed", "Failed"
    VOICEMAIL = "voicemail", "Voicemail"
    COMPLETED = "completed", "Completed"


# News arrives late, twice and out of order: a call is at the furthest state that any news has told of.
RANK = {
    Status.INITIATED: 0,
    Status.RINGING: 1,
    Status.ANSWERED: 2,
    Status.VOICEMAIL: 3,
    Status.BUSY: 4,
    Status.FAILED: 5,
    Status.COMPLETED: 6,
}
OVER = [Status.BUSY, Status.FAILED, Status.VOICEMAIL, Status.COMPLETED]


class Scope(models.TextChoices):
    PROJECT = "project", "Project"
    CONTACT = "contact", "Contact"
    PAIR = "pair", "Contact in this project"
    ENDPOINT = "endpoint", "Number"
    EVERYONE = "everyone", "Everyone"


class TerminalKind(models.TextChoices):
    TERMINAL = "terminal", "Terminal"
    RETRY = "retry", "Try again later"
    CALLBACK = "callback", "Call back as agreed"


class Sentiment(models.TextChoices):
    POSITIVE = "positive", "Positive"
    NEUTRAL = "neutral", "Neutral"
    NEGATIVE = "negative", "Negative"
    NONE = "none", "Nobody spoken to"


class CooldownScope(models.TextChoices):
    CONTACT = "contact", "Contact: every project of the person waits"
    PAIR = "pair", "Pair: only this project waits"
    PROJECT = "project", "Project: everybody in the project waits"


TIGHTER = {CooldownScope.PAIR: 0, CooldownScope.CONTACT: 1, CooldownScope.PROJECT: 2}

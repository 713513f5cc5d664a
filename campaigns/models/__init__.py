from campaigns.models.accounts import SenderBudget, SendingAccount, SendingStop
from campaigns.models.attempts import Attempt
from campaigns.models.call_tasks import CallTask
from campaigns.models.campaigns import Campaign, CampaignCount
from campaigns.models.contents import ContentTemplate, EnrollmentStatus
from campaigns.models.enrollments import Enrollment, EnrollmentRun, Happening
from campaigns.models.executions import Execution
from campaigns.models.graphs import Edge, Graph, Node
from campaigns.models.histories import EnrollmentEvent, EnrollmentStep
from campaigns.models.ledgers import LedgerDay
from campaigns.models.messages import Conversation, Message, Settlement
from campaigns.models.setbacks import Setback
from campaigns.models.templates import Template, TemplateVersion

__all__ = [
    "Attempt",
    "CallTask",
    "Campaign",
    "CampaignCount",
    "ContentTemplate",
    "Conversation",
    "Edge",
    "Enrollment",
    "EnrollmentEvent",
    "EnrollmentRun",
    "EnrollmentStatus",
    "EnrollmentStep",
    "Execution",
    "Graph",
    "Happening",
    "LedgerDay",
    "Message",
    "Node",
    "SenderBudget",
    "SendingAccount",
    "SendingStop",
    "Setback",
    "Settlement",
    "Template",
    "TemplateVersion",
]

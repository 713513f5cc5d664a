from campaigns.admin import (
    accounts,
    call_tasks,
    campaigns,
    contents,
    conversations,
    enrollments,
    ledgers,
    messages,
    panels,
    templates,
)

__all__ = [
    "accounts",
    "call_tasks",
    "campaigns",
    "contents",
    "conversations",
    "enrollments",
    "ledgers",
    "messages",
    "panels",
    "templates",
]

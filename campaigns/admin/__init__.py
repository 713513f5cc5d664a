from campaigns.admin import accounts, call_tasks, campaigns, contents, enrollments, ledgers, messages, panels, templates

__all__ = [
    "accounts",
    "call_tasks",
    "campaigns",
    "contents",
    "enrollments",
    "ledgers",
    "messages",
    "panels",
    "templates",
]

from crm.admin import (
    audit,
    companies,
    contacts,
    decisions,
    endpoints,
    pairs,
    permission,
    points,
    projects,
    review,
    sources,
    users,
)

__all__ = [
    "audit",
    "companies",
    "contacts",
    "decisions",
    "endpoints",
    "pairs",
    "permission",
    "points",
    "projects",
    "review",
    "sources",
    "users",
]

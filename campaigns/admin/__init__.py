from campaigns.admin import accounts, campaigns, contents, enrollments, messages, panels, templates

__all__ = ["accounts", "campaigns", "contents", "enrollments", "messages", "panels", "templates"]

from campaigns.admin import contents, templates

__all__ = ["contents", "templates"]

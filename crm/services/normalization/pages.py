"""Addresses of pages: what a browser may be sent to, and nothing that it would run."""


def is_page(text: str) -> bool:
    """Whether ``text`` is an address of the web, or has no scheme, as "example.com:8080/a" and "@name"."""
    scheme, colon, rest = text.strip().partition(":")
    if not colon:
        return True
    if scheme.lower() in ("http", "https"):
        return rest.startswith("//")
    return "." in scheme.partition("/")[0] and not rest.startswith("//")

"""What may be kept as the address of a page."""

import pytest

from crm.services.normalization.pages import is_page


@pytest.mark.parametrize("text", [
    "https://example.com/a?b=c:d", "HTTP://example.com", "example.com", "www.example.com:8080/a", "example.com/a:b",
    "@pat", "",
])  # fmt: skip
def test_an_address_of_the_web_is_a_page_with_and_without_its_scheme(text):
    assert is_page(text)


@pytest.mark.parametrize("text", [
    "javascript:alert(1)", " JavaScript:alert(1)", "java script:alert(1)", "data:text/html,x", "mailto:pat@example.com",
    "file:///etc/passwd", "javascript://example.com/%0aalert(1)", "http:example.com", "//x:y", "ftp.a://example.com",
])  # fmt: skip
def test_anything_else_is_none(text):
    assert not is_page(text)

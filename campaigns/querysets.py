"""The language in which campaigns are asked."""

from typing import TYPE_CHECKING, Self

from crm.querysets import Visible

if TYPE_CHECKING:
    from campaigns.models import ContentTemplate, Graph, Template


class ContentTemplateQuerySet(Visible["ContentTemplate"]):
    """Everybody who works here shares them."""

    if TYPE_CHECKING:
        _row: "ContentTemplate"

    def in_use(self) -> Self:
        return self.filter(archived_at=None)


class TemplateQuerySet(Visible["Template"]):
    """Everybody who works here shares them."""

    if TYPE_CHECKING:
        _row: "Template"


class GraphQuerySet(Visible["Graph"]):
    """Everybody who works here shares the graphs of templates."""

    if TYPE_CHECKING:
        _row: "Graph"

"""Drawing on a graph, whatever it is the graph of."""

from datetime import datetime

from campaigns.models import Campaign, Graph, Template
from campaigns.rules.drawings import Drawing
from campaigns.services import campaigns, graphs, templates
from config.kernel.transactions import atomic_with_retries
from crm.models import User


@atomic_with_retries
def draw_graph(*, graph: Graph, drawing: Drawing, revision: int, by: User | None, at: datetime) -> Graph:
    """Replace a graph: the draft of a template, or the graph of a campaign that has not begun.

    :raises graphs.IsFrozen: it is a version.
    :raises campaigns.WrongStatus, ownership.NotYours: as for ``campaigns.redraw``.
    :raises templates.IsArchived, graphs.DrawnMeanwhile, graphs.NotDrawable: as for ``templates.draw``.
    """
    if template := Template.objects.filter(draft=graph).first():
        return templates.draw(row=template, drawing=drawing, revision=revision, by=by, at=at).draft
    if campaign := Campaign.objects.filter(graph=graph).first():
        return campaigns.redraw(row=campaign, drawing=drawing, revision=revision, by=by, at=at).graph
    return graphs.redraw(graph=graph, drawing=drawing, revision=revision)

from campaigns.models.contents import ContentTemplate, EnrollmentStatus
from campaigns.models.graphs import Edge, Graph, Node
from campaigns.models.templates import Template, TemplateVersion

__all__ = ["ContentTemplate", "Edge", "EnrollmentStatus", "Graph", "Node", "Template", "TemplateVersion"]

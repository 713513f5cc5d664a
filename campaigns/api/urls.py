from rest_framework.routers import SimpleRouter

from campaigns.api import campaigns, templates

router = SimpleRouter()
router.register("campaigns", campaigns.CampaignViewSet, basename="campaign")
router.register("templates", templates.TemplateViewSet, basename="template")
router.register("template-versions", templates.TemplateVersionViewSet, basename="template-version")
router.register("graphs", templates.GraphViewSet, basename="graph")
router.register("contents", templates.ContentViewSet, basename="content")
router.register("enrollment-statuses", templates.EnrollmentStatusViewSet, basename="enrollment-status")

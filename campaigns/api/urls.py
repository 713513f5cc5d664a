from rest_framework.routers import SimpleRouter

from campaigns.api import campaigns, enrollments, executions, ledgers, messages, templates

router = SimpleRouter()
router.register("campaigns", campaigns.CampaignViewSet, basename="campaign")
router.register("templates", templates.TemplateViewSet, basename="template")
router.register("template-versions", templates.TemplateVersionViewSet, basename="template-version")
router.register("graphs", templates.GraphViewSet, basename="graph")
router.register("contents", templates.ContentViewSet, basename="content")
router.register("enrollment-statuses", templates.EnrollmentStatusViewSet, basename="enrollment-status")
router.register("enrollments", enrollments.EnrollmentViewSet, basename="enrollment")
router.register("enrollment-runs", enrollments.EnrollmentRunViewSet, basename="enrollment-run")
router.register("call-tasks", enrollments.CallTaskViewSet, basename="call-task")
router.register("executions", executions.ExecutionViewSet, basename="execution")
router.register("ledger-days", ledgers.LedgerDayViewSet, basename="ledger-day")
router.register("conversations", messages.ConversationViewSet, basename="conversation")
router.register("messages", messages.MessageViewSet, basename="message")
router.register("sending-accounts", messages.SendingAccountViewSet, basename="sending-account")
router.register("sending-stops", messages.SendingStopViewSet, basename="sending-stop")

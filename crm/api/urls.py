from rest_framework.routers import SimpleRouter

from crm.api import evidence, intake, notices, people, projects

router = SimpleRouter()
router.register("users", people.UserViewSet, basename="user")
router.register("companies", people.CompanyViewSet, basename="company")
router.register("contacts", people.ContactViewSet, basename="contact")
router.register("contact-points", people.ContactPointViewSet, basename="contact-point")
router.register("endpoints", people.EndpointViewSet, basename="endpoint")
router.register("projects", projects.ProjectViewSet, basename="project")
router.register("project-contacts", projects.ProjectContactViewSet, basename="project-contact")
router.register("source-records", evidence.SourceRecordViewSet, basename="source-record")
router.register("suppressions", evidence.SuppressionViewSet, basename="suppression")
router.register("consents", evidence.ConsentViewSet, basename="consent")
router.register("touches", evidence.TouchViewSet, basename="touch")
router.register("gate-decisions", evidence.GateDecisionViewSet, basename="gate-decision")
router.register("audit-log", evidence.AuditLogViewSet, basename="audit-log")
router.register("review-items", evidence.ReviewItemViewSet, basename="review-item")
router.register("intake", intake.IntakeViewSet, basename="intake")
router.register("intake-runs", evidence.IntakeRunViewSet, basename="intake-run")
router.register("notices", notices.NoticeViewSet, basename="notice")
router.register("hours-profiles", evidence.HoursProfileViewSet, basename="hours-profile")

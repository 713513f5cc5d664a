from rest_framework.routers import SimpleRouter

from calls.api import closing, queue, sessions

router = SimpleRouter()
router.register("eligible-calls", queue.EligibleCallViewSet, basename="eligible-call")
router.register("call-sessions", sessions.CallSessionViewSet, basename="call-session")
router.register("call-events", sessions.CallEventViewSet, basename="call-event")
router.register("call-statuses", sessions.CallStatusViewSet, basename="call-status")
router.register("terminal-sessions", closing.TerminalSessionViewSet, basename="terminal-session")
router.register("terminal-lifts", closing.TerminalLiftViewSet, basename="terminal-lift")
router.register("dispositions", closing.DispositionViewSet, basename="disposition")
router.register("calling-policies", closing.CallingPolicyViewSet, basename="calling-policy")
router.register("calling-hours", closing.CallingHoursViewSet, basename="calling-hours")
router.register("leases", closing.LeaseViewSet, basename="lease")

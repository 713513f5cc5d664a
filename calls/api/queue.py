"""The queue: who may be called now, taking the next, and why somebody is not offered."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from calls.api import answers, inputs, readings
from calls.models import Lease
from calls.services import emptiness, leasing, queue, waterfalls
from calls.services.queue import Explanation, Offer, Wanted
from config.kernel import clock
from config.kernel.api.resources import in_time
from config.kernel.api.writing import Told
from config.kernel.gate import Block
from config.kernel.replica import may_be_old
from crm.choices import Priority
from crm.models import ProjectContact

DESK = ["calls.use_call_desk"]


class EligibleCallViewSet(GenericViewSet):
    """Pairs that pass the gate now, best first: due callbacks, then priority, then the longest silent."""

    queryset = ProjectContact.objects.none()
    pagination_class = None
    filter_backends = ()
    takes: ClassVar[dict[str, type[Told]]] = {"lease": inputs.LeaseWanted, "list": inputs.ListWanted}
    needs = {
        "list": DESK, "lease": DESK, "held": DESK, "heartbeat": DESK, "release": DESK, "explain": DESK,
        "waterfall": DESK,
    }  # fmt: skip

    def get_serializer_class(self) -> Any:
        return self.takes.get(self.action or "", Told)

    @extend_schema(parameters=[inputs.ListWanted], responses=forced_singular_serializer(answers.EligibleShown))
    @may_be_old
    @in_time
    def list(self, request: Any) -> Response:
        """The next callable pairs, with the reason for their rank. Nothing is stored, nothing is held."""
        asked = self._query(inputs.ListWanted)
        limit, at = asked.pop("limit"), clock.now()
        wanted = Wanted(**_named(asked))
        offers = queue.next_callable(user=request.user, at=at, wanted=wanted, limit=limit)
        why = None if offers else emptiness.emptiness(user=request.user, at=at, wanted=wanted)
        shown: dict[str, Any] = {"at": at, "results": [_offer(offer) for offer in offers]}
        return Response({**shown, "empty": _empty(why)} if why else shown)

    @extend_schema(responses={200: readings.LeaseReading, 201: readings.LeaseReading})
    @action(detail=False, methods=["post"])
    def lease(self, request: Any) -> Response:
        """Take the next pair, or the one that is named, for five minutes. Whoever holds one gets that one again."""
        at, asked = clock.now(), self._asked(inputs.LeaseWanted, request.data)
        pair = asked.pop("pair", None)
        if pair:
            lease = leasing.take(pair=pair, user=request.user, at=at)
        else:
            lease = leasing.take_next(user=request.user, at=at, wanted=Wanted(**_named(asked)))
        new = lease.taken_at == at
        return Response(self._held(lease.pk), status=status.HTTP_201_CREATED if new else status.HTTP_200_OK)

    @extend_schema(responses=readings.LeaseReading)
    @lease.mapping.get
    @in_time
    def held(self, request: Any) -> Response:
        """The lease that one holds; 404 without one."""
        lease = leasing.current(user=request.user, at=clock.now())
        if lease is None:
            raise NotFound("You hold nobody now.")
        return Response(self._held(lease.pk))

    @extend_schema(request=None, responses=readings.LeaseReading)
    @action(detail=False, methods=["post"])
    def heartbeat(self, request: Any) -> Response:
        """Keep the lease for five more minutes; every twenty seconds is often enough.

        Half an hour after it was taken without a call it is given back instead: 409 `held_too_long`.
        """
        self._asked(Told, request.data)
        return Response(self._held(leasing.heartbeat(user=request.user, at=clock.now()).pk))

    @extend_schema(request=None, responses={204: None})
    @action(detail=False, methods=["post"])
    def release(self, request: Any) -> Response:
        """Give back whatever one holds; releasing nothing is fine."""
        self._asked(Told, request.data)
        leasing.release(user=request.user, at=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[inputs.ExplainAsked], responses=answers.ExplanationShown)
    @action(detail=False, methods=["get"])
    @in_time
    def explain(self, request: Any) -> Response:
        """All that stands against calling a contact for a project, number by number, and when it first passes."""
        asked = self._query(inputs.ExplainAsked)
        pairs = ProjectContact.objects.visible_to(request.user).select_related("contact", "project")
        pair = pairs.filter(project=asked["project"], contact=asked["contact"]).first()
        if pair is None:
            raise NotFound("This contact has no part in this project.")
        return Response(_explained(queue.explain(pair=pair, user=request.user, at=clock.now())))

    @extend_schema(parameters=[inputs.WaterfallAsked], responses=answers.WaterfallShown)
    @action(detail=False, methods=["get"])
    @in_time
    def waterfall(self, request: Any) -> Response:
        """How many pairs each rule keeps from the queue, of the whole team, whoever owns them.

        A worker counts; ``at`` is empty until it has.
        """
        asked = self._query(inputs.WaterfallAsked)
        row = waterfalls.ask(project=asked.get("project"), at=clock.now())
        names = ("at", "pairs", "callable", "rules", "seconds")
        age = (clock.now() - row.at).total_seconds() if row.at else None
        return Response({"project": row.project_id, **{name: getattr(row, name) for name in names}, "age": age})

    def _asked(self, kind: Any, said: Any) -> dict[str, Any]:
        told = kind(data=said, context=self.get_serializer_context())
        told.is_valid(raise_exception=True)
        checked: dict[str, Any] = told.validated_data
        return checked

    def _query(self, kind: Any) -> dict[str, Any]:
        """What the address asks; ``format`` is the browser's business."""
        said = self.request.query_params.dict()
        return self._asked(kind, {name: value for name, value in said.items() if name != "format"})

    def _held(self, key: UUID) -> dict[str, Any]:
        plan = readings.LeaseReading.plan()
        rows = Lease.objects.filter(pk=key).values_list(*plan.columns)
        held: dict[str, Any] = plan.show(list(rows), request=self.request)[0]
        return held


def _named(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}


def _offer(offer: Offer) -> dict[str, Any]:
    pair, point = offer.pair, offer.point
    return {
        "pair": pair.pk,
        "project": pair.project_id,
        "project_name": str(pair.project),
        "contact": pair.contact_id,
        "contact_name": str(pair.contact),
        "title": pair.contact.title,
        "roles": pair.roles,
        "point": point.pk,
        "number": point.endpoint.value if point.endpoint else "",
        "extension": point.extension,
        "priority": Priority(pair.priority).name.lower(),
        "callback_at": pair.callback_at,
        "last_touch_at": pair.last_touch_at,
        "reason": offer.reason,
        "elsewhere": offer.elsewhere,
    }


def _explained(found: Explanation) -> dict[str, Any]:
    return {
        "pair": found.pair.pk,
        "project": found.pair.project_id,
        "contact": found.pair.contact_id,
        "callable": found.callable,
        "earliest": found.earliest,
        "blocks": [_block(block) for block in found.blocks],
        "points": [
            {
                "point": one.point.pk,
                "number": one.point.endpoint.value if one.point.endpoint else "",
                "extension": one.point.extension,
                "is_primary": one.point.is_primary,
                "earliest": one.earliest,
                "blocks": [_block(block) for block in one.blocks],
            }
            for one in found.points
        ],
    }


def _block(block: Block) -> dict[str, Any]:
    return {"code": block.code, "level": block.level, "until": block.until, "evidence": dict(block.evidence)}


def _empty(why: emptiness.Empty) -> dict[str, Any]:
    return {"state": why.state, "until": why.until, "facts": why.facts}

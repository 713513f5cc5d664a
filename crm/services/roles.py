"""What the groups ``admin`` and ``bdr`` may do. The table is the truth: every ``migrate`` puts the groups in step."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Final

from crm.choices import Role

APPS: Final = ("crm", "calls", "campaigns", "integrations")  # whose permissions are ours to hand out

# What a BDR does all day. Nothing here deletes, manages users, or decides how often and when people are called.
_BDR: Final = MappingProxyType(
    {
        "crm": {
            "company": "view add change",
            "contact": "view add change",
            "contactalias": "view",
            "contactpoint": "view add change",
            "consent": "view add",
            "endpoint": "view",
            "gatedecision": "view",
            "hoursprofile": "view",
            "notice": "view change",
            "othername": "view",
            "project": "view add change",
            "projectcontact": "view add change",
            "reviewitem": "view",
            "sourcerecord": "view",
            "suppression": "view add",
            "touch": "view",
        },
        "calls": {
            "callevent": "view add",
            "callinghours": "view",
            "callingpolicy": "view",
            "callsession": "view add",
            "callstatus": "view",
            "disposition": "view",
            "lease": "view",
            "terminallift": "view",
            "terminalsession": "view",
            "waterfall": "view",
        },
        "campaigns": {
            "attempt": "view",
            "calltask": "view",
            "campaign": "view add change",
            "contenttemplate": "view add change",
            "conversation": "view change",
            "edge": "view",
            "enrollment": "view add change",
            "enrollmentevent": "view",
            "enrollmentrun": "view add",
            "enrollmentstatus": "view",
            "enrollmentstep": "view",
            "execution": "view add",
            "graph": "view",
            "message": "view add change",
            "node": "view",
            "sendingstop": "view",
            "template": "view add change",
            "templateversion": "view",
        },
    }
)
_BDR_ALSO: Final = frozenset({("calls", "use_call_desk")})


def grant(*, models: Any) -> None:
    """Give both groups exactly what the table says, within our apps; other apps' permissions are left as they are.

    ``models`` is the registry to use (``django.apps.apps``, or a migration's). Idempotent; permissions of models that
    do not exist yet are granted when a later ``migrate`` makes them.
    """
    permission = models.get_model("auth", "Permission")
    ours = {
        (known.content_type.app_label, known.codename): known.pk
        for known in permission.objects.filter(content_type__app_label__in=APPS).select_related("content_type")
    }
    _put_in_step(models, Role.ADMIN, wanted=ours.values(), ours=ours.values())
    _put_in_step(models, Role.BDR, wanted=(ours[key] for key in of_bdr() if key in ours), ours=ours.values())


def of_bdr() -> set[tuple[str, str]]:
    """Return what a BDR may do: (app, codename)."""
    table = {
        (app, f"{verb}_{model}")
        for app, models in _BDR.items()
        for model, verbs in models.items()
        for verb in verbs.split()
    }
    return table | _BDR_ALSO


def _put_in_step(models: Any, role: Role, *, wanted: Iterable[int], ours: Iterable[int]) -> None:
    group, _ = models.get_model("auth", "Group").objects.get_or_create(name=role.value)
    has, wants = set(group.permissions.values_list("pk", flat=True)), set(wanted)
    group.permissions.add(*(wants - has))
    group.permissions.remove(*(has & set(ours) - wants))

"""What an intake or a rep left to people: who should be looked at, and what was put away."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from django.db import transaction

from config.kernel.audit import acting
from crm.choices import ReviewKind
from crm.models import Contact, Project, ReviewItem, User
from crm.querysets import ContactQuerySet

MOST = 3  # likely twins listed for one remark: the line of a front desk is everybody's


@transaction.atomic
def suspect(*, contact: Contact, project: Project, source: str) -> list[ReviewItem]:
    """List ``contact`` beside whoever is likely the same person, because somebody says that there are two records.

    Likely is, best first: the same name in ``project``, the same name at the same company, a number or an address in
    common; three at most. Where nobody is found the contact is listed alone. Two people are listed once, whoever of
    them is named first, and again once they were put away.
    """
    twins: list[Contact | None] = list(islice(_twins(contact, project), MOST))
    return [_list(contact, twin, project, source) for twin in twins or [None]]


@transaction.atomic
def resolve(*, item: ReviewItem, by: User | None, at: datetime) -> ReviewItem:
    """Put ``item`` away; nothing else changes. Putting it away twice is once: whoever was first stays named."""
    with acting(user=by and by.pk):
        ReviewItem.objects.filter(pk=item.pk, resolved_at=None).update(resolved_at=at, resolved_by=by)
    item.refresh_from_db()
    return item


def _twins(contact: Contact, project: Project) -> Iterator[Contact]:
    met = {contact.pk}
    for alike in _alike(contact, project):
        for one in alike.filter(deleted_at=None).exclude(pk__in=met).order_by("pk").distinct()[:MOST]:
            met.add(one.pk)
            yield one


def _alike(contact: Contact, project: Project) -> Iterator[ContactQuerySet]:
    if contact.name:
        named = Contact.objects.filter(name__iexact=contact.name)
        yield named.filter(pairs__project=project)
        if contact.company_id:
            yield named.filter(company=contact.company_id)
    yield Contact.objects.filter(points__endpoint__in=contact.points.exclude(endpoint=None).values("endpoint"))


def _list(contact: Contact, twin: Contact | None, project: Project, source: str) -> ReviewItem:
    first, other = sorted((contact, twin), key=lambda one: one.pk) if twin else (contact, None)
    item, _ = ReviewItem.objects.update_or_create(
        kind=ReviewKind.DUPLICATE, contact=first, other=other, project=project, company=None, field="", value="",
        defaults={"source": source, "resolved_at": None, "resolved_by": None},
    )  # fmt: skip
    return item

"""The back office as tests use it: its addresses, its forms and its verbs."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from crm.models import User
from crm.tests.factories import UserFactory


@pytest.fixture
def boss(db: None) -> Client:
    return signed_in(UserFactory(admin=True, name="Ada Admin"))


@pytest.fixture
def rep(db: None) -> User:
    return UserFactory(bdr=True, name="Rae Rep")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def model(label: str) -> type:
    return next(one for one in admin.site._registry if one._meta.label_lower == label)


def list_url(label: str) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_changelist")


def page_url(row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def form_of(client: Client, url: str) -> dict[str, str]:
    """What the browser would send back if nobody touched anything."""
    form = client.get(url).context["adminform"].form
    data = {}
    for bound in form:
        value = bound.value()
        shown = bound.field.widget.format_value(value) if hasattr(bound.field.widget, "format_value") else value
        shown = shown[0] if isinstance(shown, list) and shown else shown
        initial = bound.field.hidden_widget().format_value(value)
        if bound.field.widget.__class__.__name__.endswith(("BooleanWidget", "BooleanSwitchWidget", "CheckboxInput")):
            if value:
                data[bound.html_name] = "on"
            data[bound.html_initial_name] = str(bool(value))
            continue
        data[bound.html_name] = "" if shown in (None, []) else str(shown)
        data[bound.html_initial_name] = "" if initial is None else str(initial)
    return data


def ask(client: Client, row, verb: str, **answers):
    """Do it as a person does: look at the question, then answer it."""
    url = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/do/{verb}/"
    question = client.get(url)
    assert question.status_code == 200
    hidden = {field.html_name: field.value() for field in question.context["form"].hidden_fields()}
    return client.post(url, hidden | answers, follow=True)

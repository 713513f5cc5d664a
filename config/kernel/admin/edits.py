"""Forms that write through services, and that never overwrite what somebody else wrote meanwhile."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS

from config.kernel.errors import DomainError
from config.kernel.moments import OUT_OF_RANGE, is_kept


class MomentInput(forms.DateTimeInput):
    """The browser's own picker: to the minute, in the zone of whoever reads."""

    input_type = "datetime-local"

    def __init__(self, attrs: Any = None) -> None:
        super().__init__({"class": "cl-input", **(attrs or {})}, format="%Y-%m-%dT%H:%M")


class HiddenMoment(MomentInput):
    input_type = "hidden"


class MomentField(forms.DateTimeField):
    """A moment that a person can set to the minute; one that differs only in its seconds was not changed."""

    widget = MomentInput
    hidden_widget = HiddenMoment

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and not is_kept(value):
            raise forms.ValidationError(OUT_OF_RANGE, code="out_of_range")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self._minute(initial) != self._minute(data))

    def _minute(self, value: Any) -> Any:
        try:
            moment = self.to_python(value)
        except forms.ValidationError:
            return value
        return moment and moment.replace(second=0, microsecond=0)


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs: Any = None) -> None:
        super().__init__({"class": "cl-input", **(attrs or {})}, format="%Y-%m-%d")


class EditForm(forms.ModelForm):
    """Knows what was shown: only fields that this person changed are written, and not over newer values.

    Every field carries the value that the page was made with. ``refusal`` is what the service said to an earlier try.
    """

    refusal: DomainError | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_edit:
            for name, field in self.fields.items():
                field.show_hidden_initial = not self.is_bound or self._was_shown(name)

    @property
    def is_edit(self) -> bool:
        """Whether the row is there already."""
        return not self.instance._state.adding  # noqa: SLF001 - Django's documented way to know; keys are made early

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.is_bound and self.is_edit:
            self._refuse_incomplete()
            self._refuse_overtaken()
        if self.refusal is not None:
            self._tell(self.refusal)
        return cleaned

    def changes(self) -> Mapping[str, Any]:
        """Return what this person changed, by field."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name in self.cleaned_data}

    def _was_shown(self, name: str) -> bool:
        """A program that posts without having seen the page says nothing of what was shown."""
        key = self.add_initial_prefix(name)
        return key in self.data or f"{key}_0" in self.data

    def _was_sent(self, name: str) -> bool:
        """A box that is not ticked sends nothing; then what the page was made with says that it was there."""
        key = self.add_prefix(name)
        return key in self.data or f"{key}_0" in self.data or self._was_shown(name)

    def _refuse_incomplete(self) -> None:
        """What the page did not send would be read as empty, and blank what is there."""
        missing = [name for name, field in self.fields.items() if not field.disabled and not self._was_sent(name)]
        if missing:
            labels = ", ".join(str(self[name].label) for name in missing)
            self.add_error(NON_FIELD_ERRORS, f"This came without {labels}: nothing was changed. Reload the page.")

    def _refuse_overtaken(self) -> None:
        """A field that was changed here and, since the page was made, elsewhere: whoever comes second must look."""
        for name in self.changed_data:
            bound = self[name]
            if not bound.field.show_hidden_initial:
                continue
            shown = bound.field.hidden_widget().value_from_datadict(self.data, self.files, bound.html_initial_name)
            if bound.field.has_changed(self.get_initial_for_field(bound.field, name), shown):
                self.add_error(name, "Somebody changed this since you opened the page. Reload it to see how.")

    def _tell(self, refusal: DomainError) -> None:
        known = {name: message for name, message in refusal.details.items() if name in self.fields}
        for name, message in known.items():
            self.add_error(name, message)
        if not known:
            self.add_error(NON_FIELD_ERRORS, str(refusal))

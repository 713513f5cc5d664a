"""What makes a contact complete: the one table behind every score, read in Python and turned into SQL."""

from typing import Final

# (words, weight, columns that must all be filled); the weights add up to 100. What a call needs weighs most.
PARTS: Final = (
    ("a phone number", 25, ("primary_phone",)),
    ("an e-mail address", 20, ("primary_email",)),
    ("a company", 15, ("company_id",)),
    ("a name", 10, ("name",)),
    ("a job title", 10, ("title",)),
    ("a city and a state", 10, ("city", "region")),
    ("a first and a last name", 5, ("first_name", "last_name")),
    ("a postal code", 5, ("postal_code",)),
)

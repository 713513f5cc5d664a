"""Which of what happens to somebody is news for which of their walks: said once, for whoever asks the database."""


def concerns(happening: str, walk: str) -> str:
    """Return, as a condition on the rows of these names, that what happened is news for a walk of theirs.

    What was kept for one walk is news for that one alone. Anything else is news for every walk that they had begun
    when it was kept, and that they want to hear nothing any more for all of them. Which came first their numbers say,
    however clocks were set meanwhile.
    """
    return f"""({happening}.enrollment_id = {walk}.id OR {happening}.enrollment_id IS NULL
                AND ({happening}.number > {walk}.number OR {happening}.kind = 'opt_out'))"""

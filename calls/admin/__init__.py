from calls.admin import board, closing, history, leases, panels, rules, sessions, words

__all__ = ["board", "closing", "history", "leases", "panels", "rules", "sessions", "words"]

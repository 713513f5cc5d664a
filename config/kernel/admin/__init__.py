"""The back office's base classes: lists that stay fast, rows that are somebody's to see, changes that services make."""

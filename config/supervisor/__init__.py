"""`./dev up`, `./dev stop` and `./dev reset`: everything Clearline needs, as one foreground process."""

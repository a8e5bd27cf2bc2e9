"""``python3 -m sioc app.py``: serves what the script says, and loads it again on SIGHUP or --watch."""

from ._cli import main

if __name__ == "__main__":
    raise SystemExit(main())

"""`python -m appoint`, the same as the `appoint` command."""

from appoint.cli import main

main()

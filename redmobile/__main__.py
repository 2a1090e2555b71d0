"""`python -m redmobile`."""

from redmobile.cli import main

main()

"""`python -m redmobile`."""

from redmobile.cli import main

if __name__ == "__main__":  # processes that this one spawns read this file too
    main()

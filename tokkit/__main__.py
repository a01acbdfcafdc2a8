"""`python -m tokkit` is the command line."""

from tokkit.cli import main

if __name__ == "__main__":
    main()

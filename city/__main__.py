"""`python -m city`."""

from city.cli import main

if __name__ == "__main__":
    main()

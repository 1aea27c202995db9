"""Defaults that the command line shows without loading the rooms that use them."""

LISTEN = "127.0.0.1:0"
"""Where the chief of a search listens: on this machine only, at any port that is free."""
LEASE = 60.0
"""Seconds after which a worker that shows no sign of life loses its trial."""
TOKEN = "KZOO_TOKEN"
"""The environment variable that holds the token of a search."""
SEEDS = 5
"""Trainings of each finalist."""

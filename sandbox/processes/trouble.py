"""What is said where something started here does not work."""


class CannotPlay(Exception):
    """Nothing can begin or go on; the message says why, and what to do."""

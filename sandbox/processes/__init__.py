"""Programs started beside this one, which end with it."""

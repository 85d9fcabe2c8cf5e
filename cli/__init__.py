"""The operator's door: the command `connector`."""

"""Telling endpoints what happened: signed, to addresses that may be called, until they have it."""

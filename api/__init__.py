"""The door: the HTTP API, and the pages for people."""

"""Somebody who wants to hear what happened: an endpoint for webhooks on loopback."""

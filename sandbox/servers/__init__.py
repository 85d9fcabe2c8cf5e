"""Postgres and Redis out of packages, or those that the environment names."""

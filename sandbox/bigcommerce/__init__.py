"""A BigCommerce that refuses what the real one refuses."""

"""The source: Sales Layer, read page by page."""

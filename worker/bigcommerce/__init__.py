"""The store: BigCommerce, read and written within its quota."""

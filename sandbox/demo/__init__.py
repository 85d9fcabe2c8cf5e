"""`make demo`: tenants' catalogues flow out of Sales Layer into BigCommerce stores, before your eyes."""

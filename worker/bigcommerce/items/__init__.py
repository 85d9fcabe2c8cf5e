"""Categories, products and variants sent to the store, and the storefronts that show them."""

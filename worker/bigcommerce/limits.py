"""The store's numbers: how much it takes in one call, and how often.

Sources: "spec" is BigCommerce's API description, "docs" the prose beside it, "help" the Help Center's platform limits,
"seen" what code in public shows to work. What is only seen may be refused: whoever sends it halves and sends again.
"""

from __future__ import annotations

# Reading ------------------------------------------------------------------------------------------------------------
ROWS_PER_PAGE = 250  # spec, `limit` of the list endpoints
ROWS_PER_DEFAULT_PAGE = 50  # spec, where `limit` is left out
PRODUCTS_PER_PAGE = 250  # idem; but include=options or include=modifiers cut it to 10 silently, so neither is asked for
CATEGORIES_PER_PAGE = 250  # idem
VARIANTS_PER_PAGE = 250  # idem
STOCK_ROWS_PER_PAGE = 1000  # spec, inventory items
SKUS_PER_LOOKUP = 50  # ours: 50 SKUs of 255 characters, percent-encoded, are what a URL should hold at most
IDS_PER_LOOKUP = 500  # ours: so many ids, percent-encoded, are under what proxies take as a request line
LOOKUP_CHARACTERS = 4000  # ours: under the 8 kB that proxies take as a request line

# Writing ------------------------------------------------------------------------------------------------------------
PRODUCTS_PER_BATCH = 10  # spec, updateProducts: 413 beyond it
PRODUCTS_PER_DELETE = 250  # spec, deleteProducts
VARIANTS_PER_BATCH = 50  # spec, updateVariantsBatch: 413 beyond it
CATEGORIES_PER_BATCH = 10  # seen: beyond it, 422 "Url is required" for items without `url` (bigcommerce/docs#904)
CATEGORIES_PER_BATCH_WITH_URL = 50  # seen: where every item carries `url.path`; no maximum is documented
TREES_PER_BATCH = 50  # spec, upsertCategoryTrees: 413 beyond it
ASSIGNMENTS_PER_BATCH = 500  # seen: 50 to 500 pairs (channels, categories); no maximum is documented
FEWEST_ASSIGNMENTS_PER_BATCH = 50  # seen: the fewest that anybody sends; no smaller maximum is known
METAFIELDS_PER_BATCH = 50  # seen; no maximum is documented
STOCK_ROWS_PER_BATCH = 2000  # spec, inventory adjustments: 422 beyond it
PRICE_RECORDS_PER_BATCH = 1000  # spec, upsertPriceListRecords

# Calls --------------------------------------------------------------------------------------------------------------
CALLS_AT_ONCE = 48  # ours (design §4): 15 calls/s (Pro) x 2 s x 1.5; the docs give no figure
ASSIGNMENT_CALLS_AT_ONCE = 1  # spec, createProductsChannelAssignments: never in parallel for the same products
STOCK_CALLS_AT_ONCE = 1  # docs, inventory adjustments: wait for the answer before the next one
PRICE_LIST_CALLS_AT_ONCE = 1  # docs say 1, spec says 2: the lower one; kept by STOCK_CALLS_AT_ONCE, which proves them
PRICE_READS_AT_ONCE = 10  # spec, price records of a list; a rebuild reads them
CUSTOM_FIELD_CALLS_AT_ONCE = 40  # docs of before, custom fields; the present ones give no figure
SMALLEST_QUOTA = 150  # docs, API rate limits: Standard and Plus, calls in a window
WINDOW_SECONDS = 30  # docs, API rate limits; the headers of each answer say what holds now
SLOWEST_ANSWER_SECONDS = 90  # ours: a product's images are fetched while we wait; 60 to 120 s in public clients

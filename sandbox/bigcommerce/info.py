"""The store itself: plan, time, currency, units, channels, sites."""

from typing import Any

from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.listing import PAGING, Filter, asked, by, listed
from sandbox.bigcommerce.lookups import row_of
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.product_rules import TAX_CLASSES
from sandbox.bigcommerce.store import DEFAULT_CHANNEL, DEFAULT_SITE
from sandbox.bigcommerce.tables import Row

AVAILABLE = frozenset({"prelaunch", "active", "inactive", "connected"})
CHANNEL_FILTERS = {
    **PAGING,
    "available": Filter("flag", lambda row, wanted: (row["status"] in AVAILABLE) == wanted),
    **by("type", "text", "in"),
    **by("status", "text", "in"),
    **by("platform", "text", "in"),
}


def _store(call: Call) -> Reply:
    store = call.store
    storefronts = [row for row in store.channels if row["type"] == "storefront"]
    limits = {"active": len(storefronts), "total_including_inactive": len(storefronts)}
    return Reply(
        200,
        {
            "id": store.hash,
            "store_id": 1000 + sum(store.hash.encode()),
            "account_uuid": "00000000-0000-4000-8000-000000000000",
            "name": f"Store {store.hash}",
            "domain": f"{store.hash}.example.com",
            "secure_url": f"https://{store.hash}.example.com",
            "control_panel_base_url": f"https://store-{store.hash}.example.com",
            "status": "live",
            "first_name": "Ada",
            "last_name": "Merchant",
            "country": "Spain",
            "country_code": "ES",
            "phone": "",
            "admin_email": "merchant@example.com",
            "order_email": "merchant@example.com",
            "language": "en",
            "currency": "EUR",
            "currency_symbol": "€",
            "decimal_separator": ".",
            "thousands_separator": ",",
            "decimal_places": 2,
            "currency_symbol_location": "left",
            "weight_units": "KGS",
            "dimension_units": "Centimeters",
            "dimension_decimal_places": 2,
            "dimension_decimal_token": ".",
            "dimension_thousands_token": ",",
            "timezone": {**store.time_zone, "dst_offset": 0, "dst_correction": False},
            "plan_name": store.plan,
            "plan_level": store.plan,
            "plan_is_trial": store.plan == "Trial",
            "industry": "",
            "logo": [],
            "is_price_entered_with_tax": False,
            "default_channel_id": DEFAULT_CHANNEL,
            "default_site_id": DEFAULT_SITE,
            "active_comparison_modules": [],
            "features": {
                "stencil_enabled": True,
                "multi_storefront_enabled": store.switches.multi_storefront,
                "storefronts_in_use": limits,
                "storefront_limits": {
                    "active": max(3, limits["active"]),
                    "total_including_inactive": max(12, limits["active"]),
                },
            },
        },
    )


def _time(call: Call) -> Reply:
    return Reply(200, {"time": int(call.store.clock())})


def _currencies(_call: Call) -> Reply:
    euro: dict[str, Any] = {
        "id": 1,
        "is_default": True,
        "name": "Euro",
        "currency_code": "EUR",
        "currency_exchange_rate": "1.0000000000",
        "token": "€",
        "token_location": "left",
        "decimal_places": 2,
        "enabled": True,
        "is_transactional": True,
    }
    return Reply(200, [euro])


def _tax_classes(_call: Call) -> Reply:
    rows = [{"id": tax_id, "name": name} for tax_id, name in TAX_CLASSES.items()]
    return Reply(200, rows)


def _units(_call: Call) -> Reply:
    return single(
        {
            "weight_measurement": "KGS",
            "length_measurement": "Centimeters",
            "decimal_token": ".",
            "thousands_token": ",",
            "decimal_places": 2,
            "factoring_dimension": "Depth",
        }
    )


def _locale(_call: Call) -> Reply:
    return single({"default_shopper_language": "en", "shopper_language_selection_method": "browser"})


def _summary(call: Call) -> Reply:
    store = call.store
    prices = [row["price"] for row in store.products] or [0]
    return single(
        {
            "inventory_count": sum(row["inventory_level"] for row in store.products),
            "variant_count": len(store.variants),
            "inventory_value": 0,
            "highest_variant_price": max(prices),
            "average_variant_price": sum(prices) / len(prices),
            "lowest_variant_price": min(prices),
            "oldest_variant_date": "",
            "newest_variant_date": "",
            "primary_category_id": 0,
            "primary_category_name": "",
        }
    )


def _channels(call: Call) -> Reply:
    return listed(call, call.store.channels, CHANNEL_FILTERS)


def _channel(call: Call) -> Reply:
    return single(row_of(call.store.channels, call.ids[0], "Channel"))


def _site(call: Call, channel: Row) -> Row:
    """Every channel has a site; the default channel's is 1000 (API facts §3.11)."""
    site_id = DEFAULT_SITE + channel["id"] - DEFAULT_CHANNEL
    url = f"https://{call.store.hash}-{channel['id']}.example.com"
    return {"id": site_id, "url": url, "channel_id": channel["id"], "ssl_status": "dedicated", "urls": []}


def _channel_site(call: Call) -> Reply:
    return single(_site(call, row_of(call.store.channels, call.ids[0], "Channel")))


def _sites(call: Call) -> Reply:
    sites = [_site(call, channel) for channel in call.store.channels]
    return listed(call, sites, {**PAGING, **by("channel_id", "whole", "in"), **by("id", "whole", "in")})


def _site_by_id(call: Call) -> Reply:
    asked(call, {})
    channel_id = call.ids[0] - DEFAULT_SITE + DEFAULT_CHANNEL
    return single(_site(call, row_of(call.store.channels, channel_id, "Site")))


INFORMATION = "store_v2_information_read_only"
CHANNELS = "store_channel_settings_read_only"
SITES = "store_sites_read_only"
ROUTES = (
    Route("GET", "/v2/store", _store, INFORMATION),
    Route("GET", "/v2/time", _time, INFORMATION),
    Route("GET", "/v2/currencies", _currencies, INFORMATION),
    Route("GET", "/v2/tax_classes", _tax_classes, INFORMATION),
    Route("GET", "/v3/settings/store/units-of-measurement", _units, INFORMATION),
    Route("GET", "/v3/settings/store/locale", _locale, INFORMATION),
    Route("GET", "/v3/catalog/summary", _summary),
    Route("GET", "/v3/channels", _channels, CHANNELS),
    Route("GET", "/v3/channels/{id}", _channel, CHANNELS),
    Route("GET", "/v3/channels/{id}/site", _channel_site, CHANNELS),
    Route("GET", "/v3/sites", _sites, SITES),
    Route("GET", "/v3/sites/{id}", _site_by_id, SITES),
)

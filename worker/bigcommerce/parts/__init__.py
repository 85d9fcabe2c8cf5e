"""What hangs on a product or a variant: pictures, custom fields, bulk rules, videos, metafields."""

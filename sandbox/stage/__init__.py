"""The whole service on a stage: servers, neighbours, tenants, and slices played one by one."""

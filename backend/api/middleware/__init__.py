"""ASGI middleware of the API, outermost first as `create_api` lists them."""

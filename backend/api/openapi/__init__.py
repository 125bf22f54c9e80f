"""The OpenAPI document: its assembly, shared responses, examples, permissions, and its HTML page."""

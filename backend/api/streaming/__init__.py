"""Server-sent events and WebSocket connections."""

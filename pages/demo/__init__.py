"""The offer of the demo school."""

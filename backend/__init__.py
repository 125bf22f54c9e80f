"""Everything that is not a page: features over a kit, joined in bootstrap."""

__version__ = "0.1.0"

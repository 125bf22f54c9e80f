"""Everything that is not a page: features over a kit, joined in bootstrap."""

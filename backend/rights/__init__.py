"""The rights of a person over her data: to have it, to know who sees it, to have it deleted."""

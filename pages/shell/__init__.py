"""Everything around a page: navigation, session, errors, outages, live updates, downloads."""

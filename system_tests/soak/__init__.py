"""Hours of mixed work on a whole cluster while its parts fail one after the other, and what is left of it then."""

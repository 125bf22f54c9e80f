"""Nothing that is typed, chosen or pressed is lost: every form, and a server that is killed."""

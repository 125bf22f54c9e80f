"""People: who they are, how they sign in, and which classrooms they belong to."""

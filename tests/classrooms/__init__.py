"""Facts about backend.classrooms."""

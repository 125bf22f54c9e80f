"""A teacher's groups of students: key figures, learners, who needs attention and why."""

"""What each student has done on each chapter, and what follows from it."""

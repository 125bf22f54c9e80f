"""The shared catalogue of chapters, its imports and exports. It knows nothing of students.

Its own MongoDB collections: chapters, catalogueState, catalogueChanges and catalogueSteps.
"""

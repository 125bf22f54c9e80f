"""The shared catalogue of chapters, its imports and exports. Knows no student.

Its own MongoDB collections: chapters, catalogueState, catalogueChanges and catalogueSteps.
"""

"""NNNN_verb_object.py: what each step of the history does."""

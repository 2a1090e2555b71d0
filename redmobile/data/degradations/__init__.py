"""Degradations that turn clean photographs into training pairs, one a file."""

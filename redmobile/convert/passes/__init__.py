"""Rewrites, one a file; `pass_order` says when each runs and why."""

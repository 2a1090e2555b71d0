"""What runs in the environments of other converters, under their interpreters and not under ours: see drive.py.

These files are Python, so they stand here and not in benchmarks/, which holds data. Nothing else in redmobile imports them, and each
may import the packages of its own environment only, next to redmobile.nets and redmobile.export where a network of ours is built.
"""

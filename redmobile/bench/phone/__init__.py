"""Measuring on an Android device: with a benchmark program, or with the demo app."""

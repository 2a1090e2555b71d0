"""Emulated ARM without root: a small aarch64 system in the user's cache, QEMU's user mode, and a plug-in that counts. No milliseconds."""

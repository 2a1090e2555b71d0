"""INT8 kernels in C that run a network depth-first, as an external delegate of TensorFlow Lite: how the library is built and found.

The C sources, one folder a family, are described in README.md beside this file. Nothing here needs a compiler until a library is asked for.
"""

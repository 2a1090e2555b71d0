"""Containers of graphs: ONNX (read) and TFLite (read, edit, write)."""

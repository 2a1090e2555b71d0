"""ONNX to TFLite: our own lowering, straight to the flatbuffer."""

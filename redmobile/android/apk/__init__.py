"""The demo app's APK: tools, downloads, native code, resources, bytecode, packing, signing, checks."""

"""Android devices over adb, and the demo app on them."""

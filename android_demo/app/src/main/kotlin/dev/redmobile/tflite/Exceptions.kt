package dev.redmobile.tflite

/** What TFLite, the loader or a delegate said, in [message]. The subclasses are thrown by the bridge, which knows them by name. */
open class TfLiteException(message: String) : RuntimeException(message)

/** The bytes are no model that this TFLite can run. */
class ModelException(message: String) : TfLiteException(message)

/** The delegate that was asked for is not there, or would not be made. */
class DelegateException(message: String) : TfLiteException(message)

/** An inference failed. */
class RunException(message: String) : TfLiteException(message)

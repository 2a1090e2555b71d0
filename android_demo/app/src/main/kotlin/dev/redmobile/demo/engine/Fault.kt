package dev.redmobile.demo.engine

import dev.redmobile.demo.R
import dev.redmobile.tflite.DelegateException
import dev.redmobile.tflite.ModelException
import dev.redmobile.tflite.RunException
import java.io.IOException

/** What can go wrong with an [Engine]: [sentence] says it to a person, [remedy] what to do; both string resources. */
enum class Fault(val sentence: Int, val remedy: Int) {
    MODEL_MISSING(R.string.fault_model_missing, R.string.remedy_model_missing),
    MODEL_BROKEN(R.string.fault_model_broken, R.string.remedy_model_broken),
    MODEL_UNSUITABLE(R.string.fault_model_unsuitable, R.string.remedy_model_unsuitable),
    DELEGATE_UNAVAILABLE(R.string.fault_delegate_unavailable, R.string.remedy_delegate_unavailable),
    RUN_FAILED(R.string.fault_run_failed, R.string.remedy_run_failed),
    OUT_OF_MEMORY(R.string.fault_out_of_memory, R.string.remedy_out_of_memory),
    LIBRARY_MISSING(R.string.fault_library_missing, R.string.remedy_library_missing),
    ;

    companion object {
        /** The fault that `error`, thrown while loading or running, stands for; null if it is none of an engine's, but a mistake in the program. */
        fun of(error: Throwable): Fault? = when (error) {
            is UnsuitableModelException -> MODEL_UNSUITABLE
            is ModelException -> MODEL_BROKEN
            is DelegateException -> DELEGATE_UNAVAILABLE
            is RunException -> RUN_FAILED
            is OutOfMemoryError -> OUT_OF_MEMORY
            is LinkageError -> LIBRARY_MISSING
            is IOException -> MODEL_MISSING
            else -> null
        }
    }
}

/** A model that TFLite runs, but that does not turn one RGBA picture into another of the same size. */
class UnsuitableModelException(message: String) : RuntimeException(message)

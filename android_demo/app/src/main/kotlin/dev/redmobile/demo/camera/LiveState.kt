package dev.redmobile.demo.camera

import dev.redmobile.demo.R
import dev.redmobile.demo.engine.Fault

/** What is wrong with the camera: [sentence] says it to a person, [remedy] what to do; both string resources. passes: it may end by itself. */
enum class CameraFault(val sentence: Int, val remedy: Int, val passes: Boolean = false) {
    NONE(R.string.fault_camera_none, R.string.remedy_camera_none),
    IN_USE(R.string.fault_camera_in_use, R.string.remedy_camera_in_use, passes = true),
    DISABLED(R.string.fault_camera_disabled, R.string.remedy_camera_disabled),
    BROKEN(R.string.fault_camera_broken, R.string.remedy_camera_broken),
    GRAPHICS(R.string.fault_camera_graphics, R.string.remedy_camera_graphics),
}

/** Why there is no live picture. */
sealed class Trouble {
    data class OfCamera(val fault: CameraFault) : Trouble()

    data class OfEngine(val fault: Fault) : Trouble()

    val sentence: Int get() = if (this is OfCamera) fault.sentence else (this as OfEngine).fault.sentence
    val remedy: Int get() = if (this is OfCamera) fault.remedy else (this as OfEngine).fault.remedy
}

/** What the camera's screen is doing; [after] says what it does next. */
sealed class LiveState {
    /** It is not on the screen, or not yet. */
    object Away : LiveState()

    /** Android asks whether the app may use the camera. */
    object Asking : LiveState()

    /** The app may not use the camera. forEver: nor does Android ask again; the phone's settings can change it. */
    data class Refused(val forEver: Boolean) : LiveState()

    /** Camera and network are being made ready. */
    object Opening : LiveState()

    object Live : LiveState()

    /** A photograph is being taken, enhanced and saved; the live picture rests. */
    object Still : LiveState()

    data class Failed(val trouble: Trouble) : LiveState()

    /** Whether camera and network are in use. */
    val isOn: Boolean get() = this is Opening || this is Live || this is Still

    /** The state that follows; the same where the event changes nothing. */
    fun after(event: LiveEvent): LiveState = when (event) {
        is LiveEvent.Shown -> shown(event.permitted)
        is LiveEvent.Hidden -> if (isOn || this is Failed) Away else this
        is LiveEvent.Answered -> answered(event)
        is LiveEvent.Again -> again(event.permitted)
        is LiveEvent.FirstFrame -> if (this is Opening) Live else this
        is LiveEvent.Shutter -> if (this is Live) Still else this
        is LiveEvent.StillDone -> if (this is Still) Live else this
        is LiveEvent.Broke -> if (isOn) Failed(event.trouble) else this
        is LiveEvent.Freed -> if (passes) Opening else this
    }

    /** Whether what is wrong may end by itself. */
    val passes: Boolean get() = this is Failed && trouble is Trouble.OfCamera && trouble.fault.passes

    private fun shown(permitted: Boolean): LiveState = when {
        permitted && (this is Away || this is Refused) -> Opening
        this is Away -> Asking
        else -> this // the answer to a question that is open comes by itself
    }

    /** Refused: the question was open when the phone was turned, and the screen came back without it. */
    private fun answered(event: LiveEvent.Answered): LiveState = when {
        this !is Asking && this !is Refused -> this
        event.permitted -> Opening
        else -> Refused(forEver = !event.mayAskAgain)
    }

    private fun again(permitted: Boolean): LiveState = when {
        this is Refused && !permitted -> if (forEver) this else Asking
        this is Refused || this is Failed -> Opening
        else -> this
    }
}

/** What happens to the camera's screen. */
sealed class LiveEvent {
    /** It came to the front. permitted: whether the app may use the camera. */
    data class Shown(val permitted: Boolean) : LiveEvent()

    object Hidden : LiveEvent()

    /** The answer to Android's question. mayAskAgain: whether Android lets the app ask once more. */
    data class Answered(val permitted: Boolean, val mayAskAgain: Boolean) : LiveEvent()

    /** The button that tries or asks again. */
    data class Again(val permitted: Boolean) : LiveEvent()

    object FirstFrame : LiveEvent()

    object Shutter : LiveEvent()

    object StillDone : LiveEvent()

    data class Broke(val trouble: Trouble) : LiveEvent()

    /** The camera is no longer another app's. */
    object Freed : LiveEvent()
}

package dev.redmobile.demo.camera

/**
 * Where each of a few frames is on its way from the camera to the screen. The newest wins: a frame that still waits for the network gives way to
 * a later one. Any function may be called from any thread, each with a slot that the one before it gave; none allocates.
 */
class FrameSlots(count: Int = COUNT) {
    private enum class Place { FREE, FILLING, WAITING, RUNNING, DONE, SHOWN }

    private val places = Array(count) { Place.FREE }

    @Suppress("PLATFORM_CLASS_MAPPED_TO_KOTLIN") // Kotlin's own has no wait(); locks of java.util.concurrent allocate when they wait
    private val lock = Object()
    private var isOpen = true

    /** Frames that the camera gave. */
    var offered = 0L
        get() = synchronized(lock) { field }
        private set

    /** Those of them that were never shown, because later ones overtook them. */
    var dropped = 0L
        get() = synchronized(lock) { field }
        private set

    /** A slot to fill with the camera's newest frame: a free one, or that of the frame which waits; [NONE]: all are in use, the frame is dropped. */
    fun claim(): Int = synchronized(lock) {
        offered++
        val free = find(Place.FREE)
        if (free == NONE) dropped++
        move(if (free == NONE) find(Place.WAITING) else free, Place.FILLING)
    }

    /** A frame that was overtaken before it was filled; the camera gave `count` of them. */
    fun skip(count: Int) = synchronized(lock) {
        offered += count
        dropped += count
    }

    /** It is filled: for the network, in place of an older one that still waits. */
    fun publish(slot: Int) = synchronized(lock) {
        drop(find(Place.WAITING))
        move(slot, Place.WAITING)
        lock.notifyAll()
    }

    /** The frame to enhance next; waits for one. [NONE]: closed. */
    fun take(): Int = synchronized(lock) {
        while (isOpen && find(Place.WAITING) == NONE) lock.wait()
        if (isOpen) move(find(Place.WAITING), Place.RUNNING) else NONE
    }

    /** It is enhanced: for the screen, in place of an older one that was not shown yet. */
    fun finish(slot: Int) {
        synchronized(lock) {
            drop(find(Place.DONE))
            move(slot, Place.DONE)
        }
    }

    /** The newest enhanced frame; the one shown before it is free again. [NONE]: nothing new. */
    fun show(): Int = synchronized(lock) {
        val next = find(Place.DONE)
        if (next != NONE) move(find(Place.SHOWN), Place.FREE)
        move(next, Place.SHOWN)
    }

    /** Nobody waits in [take] any more. */
    fun close() = synchronized(lock) {
        isOpen = false
        lock.notifyAll()
    }

    private fun drop(slot: Int) {
        if (move(slot, Place.FREE) != NONE) dropped++
    }

    private fun move(slot: Int, place: Place): Int {
        if (slot != NONE) places[slot] = place
        return slot
    }

    private fun find(place: Place): Int {
        for (slot in places.indices) if (places[slot] == place) return slot
        return NONE
    }

    companion object {
        const val NONE = -1

        /** One on the screen, one in the network, one that is filled meanwhile. */
        const val COUNT = 3
    }
}

package dev.redmobile.demo.gallery

/** One tile of a picture, along one side. origin: where the tile begins, in the picture's pixels, negative: in what is mirrored before it. */
data class Span(val origin: Int, val from: Int, val to: Int, val fade: Int)

/**
 * Where tiles of `tile` pixels lie that cover `length` pixels. A tile is used from [Span.from] to [Span.to]: not at its edges, where the
 * network sees its own padding, unless one tile is enough. From [Span.from] on, over [Span.fade] pixels, it comes up over the tile before it.
 */
object Tiles {
    private const val MARGIN = 32
    private const val FADE = 64

    fun along(length: Int, tile: Int): List<Span> {
        if (length <= tile) return listOf(Span(0, 0, length, 0))
        val core = tile - 2 * MARGIN
        val count = Math.max(2, Math.ceil((length - FADE).toDouble() / (core - FADE)).toInt())
        return List(count) { index ->
            val from = Math.round(index.toDouble() * (length - core) / (count - 1)).toInt().coerceAtLeast(0)
            Span(from - MARGIN, from, Math.min(from + core, length), if (index == 0) 0 else FADE)
        }
    }
}

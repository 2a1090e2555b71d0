package dev.redmobile.demo.gallery

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** Every pixel has a tile, tiles never show their edges, and each comes up over one that is there already. */
class TilesTest {
    @Test
    fun `what fits in one tile is one`() {
        assertEquals(listOf(Span(0, 0, 1, 0)), Tiles.along(1, 100))
        assertEquals(listOf(Span(0, 0, 1920, 0)), Tiles.along(1920, 1920))
    }

    @Test
    fun `larger ones are covered without gaps`() {
        for (length in listOf(1921, 1950, 2048, 3000, 4000, 8192, 12000)) {
            val spans = Tiles.along(length, 1920)
            assertEquals(0 to length, spans.first().from to spans.last().to)
            spans.forEach { assertTrue("$length: $it", it.from - it.origin >= 32 && it.origin + 1920 - it.to >= 32) }
            spans.zipWithNext { before, after -> assertTrue("$length: $before, $after", after.from + after.fade <= before.to && after.from > before.from) }
        }
    }
}

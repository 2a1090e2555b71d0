package dev.redmobile.demo.benchmark

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

/** By hand, and as NumPy gives it. */
class StatisticsTest {
    private val found = Statistics(listOf(4.0, 1.0, 3.0, 2.0))

    @Test
    fun `percentiles lie between the two nearest ranks`() {
        assertEquals(2.5, found.percentile(0.5), EPS)
        assertEquals(3.7, found.percentile(0.9), EPS)
        assertEquals(4.0, found.percentile(1.0), EPS)
        assertEquals(7.0, Statistics(listOf(7.0)).percentile(0.99), EPS)
    }

    @Test
    fun `spread, drift and what is over the budget`() {
        assertEquals((3.25 - 1.75) / 2.5, found.relativeIqr, EPS)
        assertEquals((2.0 - 4.0) / 2.5, found.drift, EPS)
        assertEquals(0.0, Statistics(listOf(1.0, 2.0)).drift, EPS)
        assertEquals(2, found.over(2.0))
        assertThrows(IllegalArgumentException::class.java) { Statistics(emptyList()) }
    }

    private companion object {
        const val EPS = 1e-9
    }
}

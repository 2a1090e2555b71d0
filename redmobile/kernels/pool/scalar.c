/* The definition of a correct sum. */
#include "pool.h"

void rm_row_sum_s8__scalar(const int8_t *row, int32_t *sums, size_t pixels, size_t channels) {
    for (size_t x = 0; x < pixels; x++, row += channels)
        for (size_t c = 0; c < channels; c++) sums[c] += row[c];
}

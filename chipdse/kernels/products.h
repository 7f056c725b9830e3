/* Products of matrices in which each element is summed from its first term to its last.
 *
 * NumPy adds in the same order in `chipdse/numerics.py`. Vectors run along the rows of the result,
 * so that the order of the terms of an element stays as it is.
 */
#ifndef PRODUCTS_H
#define PRODUCTS_H
#include <stdint.h>
#include <string.h>

typedef double four __attribute__((vector_size(32), aligned(8), may_alias));

enum {
    STRIP = 8,   /* columns at a time: two vectors */
    TILE = 4,    /* rows at a time: with a strip they fill half of the registers */
    CHUNK = 256, /* terms at a time: a strip of them takes half of the nearest cache */
    FEW = 8,     /* rows that are too few to copy the strips for them */
    PART = 512   /* columns at a time for few rows */
};

/* Adds terms to `rows` rows of a strip of the result, which begins with zeros if `first`. */
static inline __attribute__((always_inline)) void
add_to_strip(const int64_t rows, int first, int64_t terms, const double *left, int64_t left_stride,
             const double *strip, double *out, int64_t out_stride)
{
    four sum[TILE][2] = {{{0}}};
    if (!first)
        for (int64_t r = 0; r < rows; r++)
            for (int64_t h = 0; h < 2; h++)
                sum[r][h] = *(const four *)(out + r * out_stride + 4 * h);
    for (int64_t t = 0; t < terms; t++)
        for (int64_t r = 0; r < rows; r++)
            for (int64_t h = 0; h < 2; h++)
                sum[r][h] += left[r * left_stride + t] * *(const four *)(strip + t * STRIP + 4 * h);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t h = 0; h < 2; h++)
            *(four *)(out + r * out_stride + 4 * h) = sum[r][h];
}

/* The same for a strip of `width` columns, of which the result's last may have fewer than STRIP. */
static inline __attribute__((always_inline)) void
add_terms(const int64_t rows, int first, int64_t terms, int64_t width, const double *left,
          int64_t left_stride, const double *strip, double *out, int64_t out_stride)
{
    if (width == STRIP) {
        add_to_strip(rows, first, terms, left, left_stride, strip, out, out_stride);
        return;
    }
    double tile[TILE * STRIP] = {0};
    for (int64_t r = 0; r < rows && !first; r++)
        for (int64_t w = 0; w < width; w++)
            tile[r * STRIP + w] = out[r * out_stride + w];
    add_to_strip(rows, first, terms, left, left_stride, strip, tile, STRIP);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t w = 0; w < width; w++)
            out[r * out_stride + w] = tile[r * STRIP + w];
}

/* The product for so few rows that a copy of `right` would take longer than the sums. */
static inline void product_of_few_rows(int64_t rows, int64_t terms, int64_t columns,
                                       const double *left, const double *right, double *out)
{
    for (int64_t c = 0; c < columns; c += PART) {
        const int64_t width = columns - c < PART ? columns - c : PART;
        for (int64_t r = 0; r < rows; r++) {
            double sum[PART] = {0};
            for (int64_t t = 0; t < terms; t++) {
                const double factor = left[r * terms + t], *from = right + t * columns + c;
                for (int64_t w = 0; w < width; w++)
                    sum[w] += factor * from[w];
            }
            memcpy(out + r * columns + c, sum, (size_t)width * sizeof *sum);
        }
    }
}

/* out[rows][columns] = left[rows][terms] * right[terms][columns], without gaps between rows.
 *
 * A strip of columns and a chunk of terms of `right` at a time are copied to a place that stays in
 * the nearest cache for all rows.
 */
static inline void product(int64_t rows, int64_t terms, int64_t columns, const double *left,
                           const double *right, double *out)
{
    if (rows < FEW || !terms) {
        product_of_few_rows(rows, terms, columns, left, right, out);
        return;
    }
    double strip[CHUNK * STRIP] = {0};
    for (int64_t c = 0; c < columns; c += STRIP) {
        const int64_t width = columns - c < STRIP ? columns - c : STRIP;
        for (int64_t t = 0; t < terms; t += CHUNK) {
            const int64_t count = terms - t < CHUNK ? terms - t : CHUNK;
            for (int64_t i = 0; i < count; i++)
                for (int64_t w = 0; w < width; w++)
                    strip[i * STRIP + w] = right[(t + i) * columns + c + w];
            int64_t r = 0;
            for (; r + TILE <= rows; r += TILE)
                add_terms(TILE, !t, count, width, left + r * terms + t, terms, strip,
                          out + r * columns + c, columns);
            for (; r < rows; r++)
                add_terms(1, !t, count, width, left + r * terms + t, terms, strip,
                          out + r * columns + c, columns);
        }
    }
}
#endif

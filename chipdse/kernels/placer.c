/* The inner loops of the placer; the same sums in the same order as NumPy's. */
#include "products.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline double least(double a, double b) { return a < b ? a : b; }
static inline double most(double a, double b) { return a > b ? a : b; }

typedef int64_t four_whole __attribute__((vector_size(32), aligned(8), may_alias));
typedef uint64_t four_natural __attribute__((vector_size(32), aligned(8), may_alias));

static inline four four_of(double x) { return (four){x, x, x, x}; }

/* `a` where `mask` is all ones and `b` where it is 0 */
static inline four chosen(four_whole mask, four a, four b)
{
    return (four)(((four_whole)a & mask) | ((four_whole)b & ~mask));
}

/* `numerics.exp` of four numbers, operation by operation. */
static inline four exponential(four x)
{
    const double log2_e = 0x1.71547652b82fep+0;
    const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    const double rounding = 0x1.8p+52; /* added and taken away it rounds to a whole number */
    const int64_t rounding_bits = 0x4338000000000000;
    const double factors[] = {
        /* 1 / 13! to 1 / 3! */
        0x1.6124613a86d09p-33, 0x1.1eed8eff8d898p-29, 0x1.ae64567f544e4p-26, 0x1.27e4fb7789f5cp-22,
        0x1.71de3a556c734p-19, 0x1.a01a01a01a01ap-16, 0x1.a01a01a01a01ap-13, 0x1.6c16c16c16c17p-10,
        0x1.1111111111111p-7,  0x1.5555555555555p-5,  0x1.5555555555555p-3,
    };
    x = chosen(x > -746.0, x, four_of(-746.0)); /* beyond these it is 0 or infinite */
    x = chosen(x < 710.0, x, four_of(710.0));
    four shifted = x * log2_e + rounding;
    four times = shifted - rounding;
    four left = x - times * ln2_high;
    four rest = 0.0 - times * ln2_low;
    four r = left + rest;
    four lost = (left - r) + rest;
    four one = 1.0 + r;
    lost += (1.0 - one) + r;
    four series = r * factors[0];
    for (int i = 1; i < 11; i++)
        series = (series + factors[i]) * r;
    series += 0.5;
    lost += r * r * series;
    four_whole whole = (four_whole)shifted - rounding_bits; /* its last bits are the exponent */
    /* Half of it, rounded down, by a shift that is the same for negative numbers. */
    four_whole half = (four_whole)((four_natural)(whole + 4096) >> 1) - 2048;
    four low = (four)((half + 1023) << 52), high = (four)((whole - half + 1023) << 52);
    return (one + lost) * low * high;
}

void exponentials(int64_t count, double *numbers)
{
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        *(four *)(numbers + i) = exponential(*(const four *)(numbers + i));
    if (i < count) {
        four rest = {0};
        memcpy(&rest, numbers + i, (size_t)(count - i) * sizeof *numbers);
        rest = exponential(rest);
        memcpy(numbers + i, &rest, (size_t)(count - i) * sizeof *numbers);
    }
}

static inline void extent(const double *x, const int32_t *node, int32_t from, int32_t to,
                          double *low, double *high)
{
    *low = *high = x[node[from]];
    for (int32_t p = from + 1; p < to; p++) {
        double at = x[node[p]];
        *high = most(*high, at);
        *low = least(*low, at);
    }
}

void spans(int64_t nets, const int32_t *start, const int32_t *node, const double *x, double *span)
{
    for (int64_t n = 0; n < nets; n++) {
        double low, high;
        extent(x, node, start[n], start[n + 1], &low, &high);
        span[n] = high - low;
    }
}

/* Exponents of a net's pins, up and down; those of two pins are 0 and once this one. */
static int64_t exponents(const int32_t *node, int32_t from, int32_t to, const double *x,
                         double gamma, double *powers)
{
    double low, high;
    extent(x, node, from, to, &low, &high);
    if (to - from == 2) {
        powers[0] = (low - high) / gamma;
        return 1;
    }
    for (int32_t p = from; p < to; p++) {
        double at = x[node[p]];
        *powers++ = (at - high) / gamma;
        *powers++ = (low - at) / gamma;
    }
    return 2 * (int64_t)(to - from);
}

/* Adds a net's pull to the gradient; `powers` holds up and down of each pin. */
static void add_pull(const int32_t *node, int32_t from, int32_t to, const double *x, double gamma,
                     const double *powers, double *gradient)
{
    double low, high;
    extent(x, node, from, to, &low, &high);
    double up_sum = 0, down_sum = 0, up_mean = 0, down_mean = 0;
    for (int32_t p = from; p < to; p++) {
        double at = x[node[p]], up = powers[2 * (p - from)], down = powers[2 * (p - from) + 1];
        up_sum += up;
        up_mean += up * (at - high);
        down_sum += down;
        down_mean += down * (at - low);
    }
    up_mean /= up_sum;
    down_mean /= down_sum;
    for (int32_t p = from; p < to; p++) {
        double at = x[node[p]], up = powers[2 * (p - from)], down = powers[2 * (p - from) + 1];
        double pull = (up * (1.0 + ((at - high) - up_mean) / gamma)) / up_sum;
        pull -= (down * (1.0 - ((at - low) - down_mean) / gamma)) / down_sum;
        gradient[node[p]] += pull;
    }
}

/* Powers that are computed together: they stay in the nearest cache. */
enum { TOGETHER = 1024 };

/* `powers` has room for two numbers per pin. */
void wire_gradient(int64_t nets, const int32_t *start, const int32_t *node, const double *x,
                   double gamma, double *powers, double *gradient)
{
    for (int64_t first = 0, end = 0; first < nets; first = end) {
        int64_t count = 0;
        for (; end < nets && count < TOGETHER; end++)
            count += exponents(node, start[end], start[end + 1], x, gamma, powers + count);
        exponentials(count, powers);
        const double *of_net = powers;
        for (int64_t n = first; n < end; n++) {
            if (start[n + 1] - start[n] != 2) {
                add_pull(node, start[n], start[n + 1], x, gamma, of_net, gradient);
                of_net += 2 * (start[n + 1] - start[n]);
                continue;
            }
            double near = *of_net++; /* the upper pin's power is 1 up and this one down */
            int is_up = x[node[start[n]]] > x[node[start[n] + 1]];
            double both[] = {near, 1.0, 1.0, near}, turned[] = {1.0, near, near, 1.0};
            add_pull(node, start[n], start[n + 1], x, gamma, is_up ? turned : both, gradient);
        }
    }
}

static inline int64_t weights(double place, int64_t bins, double *weight, double *slope)
{
    double middle = least(most(floor(place), 0.0), (double)bins - 1.0);
    double t = least(most(place - (middle + 0.5), -0.5), 0.5);
    double low = 0.5 - t, high = 0.5 + t;
    weight[0] = 0.5 * (low * low);
    weight[1] = 0.75 - t * t;
    weight[2] = 0.5 * (high * high);
    slope[0] = -low;
    slope[1] = -2.0 * t;
    slope[2] = high;
    return (int64_t)middle;
}

void spread(int64_t charges, const int32_t *node, const double *dx, const double *dy,
            const double *area, const double *x, const double *y, int64_t width, int64_t height,
            double *grid)
{
    double wx[3], wy[3], unused[3];
    for (int64_t c = 0; c < charges; c++) {
        int64_t i = weights(x[node[c]] + dx[c], width, wx, unused);
        int64_t j = weights(y[node[c]] + dy[c], height, wy, unused);
        for (int a = 0; a < 3; a++) {
            double share = area[c] * wx[a];
            double *into = grid + (i + a) * (height + 2) + j;
            for (int b = 0; b < 3; b++)
                into[b] += share * wy[b];
        }
    }
}

void field(int64_t charges, const int32_t *node, const double *dx, const double *dy,
           const double *area, const double *x, const double *y, int64_t width, int64_t height,
           const double *potential, double *gx, double *gy)
{
    double wx[3], wy[3], sx[3], sy[3], across[3], along[3];
    for (int64_t c = 0; c < charges; c++) {
        int64_t i = weights(x[node[c]] + dx[c], width, wx, sx);
        int64_t j = weights(y[node[c]] + dy[c], height, wy, sy);
        for (int a = 0; a < 3; a++) {
            const double *from = potential + (i + a) * (height + 2) + j;
            across[a] = from[0] * wy[0] + from[1] * wy[1] + from[2] * wy[2];
            along[a] = from[0] * sy[0] + from[1] * sy[1] + from[2] * sy[2];
        }
        gx[node[c]] += area[c] * (sx[0] * across[0] + sx[1] * across[1] + sx[2] * across[2]);
        gy[node[c]] += area[c] * (wx[0] * along[0] + wx[1] * along[1] + wx[2] * along[2]);
    }
}

/* scratch holds as many numbers as grid */
void cosine_forward(int64_t count, int64_t width, const double *even, const double *odd,
                    const double *grid, double *scratch, double *out)
{
    int64_t half = count / 2, upper = count - half;
    double *sum = scratch, *difference = scratch + upper * width;
    for (int64_t j = 0; j < half; j++)
        for (int64_t w = 0; w < width; w++) {
            double a = grid[j * width + w], b = grid[(count - 1 - j) * width + w];
            sum[j * width + w] = a + b;
            difference[j * width + w] = a - b;
        }
    if (upper > half)
        for (int64_t w = 0; w < width; w++)
            sum[half * width + w] = grid[half * width + w];
    product(upper, upper, width, even, sum, out);
    product(half, half, width, odd, difference, out + upper * width);
}

void cosine_back(int64_t count, int64_t width, const double *even, const double *odd,
                 const double *spectrum, double *scratch, double *out)
{
    int64_t half = count / 2, upper = count - half;
    double *sum = scratch, *difference = scratch + upper * width;
    product(upper, upper, width, even, spectrum, sum);
    product(half, half, width, odd, spectrum + upper * width, difference);
    for (int64_t j = 0; j < half; j++)
        for (int64_t w = 0; w < width; w++) {
            double a = sum[j * width + w], b = difference[j * width + w];
            out[j * width + w] = a + b;
            out[(count - 1 - j) * width + w] = a - b;
        }
    if (upper > half)
        for (int64_t w = 0; w < width; w++)
            out[half * width + w] = sum[half * width + w];
}

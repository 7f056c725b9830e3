/* The inner loops of the placer; the same sums in the same order as NumPy's. */
#include "products.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline double least(double a, double b) { return a < b ? a : b; }
static inline double most(double a, double b) { return a > b ? a : b; }

/* `numerics.exp`, operation by operation. */
static inline double exponential(double x)
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
    x = least(most(x, -746.0), 710.0); /* beyond these it is 0 or infinite */
    double shifted = x * log2_e + rounding;
    double times = shifted - rounding;
    double left = x - times * ln2_high;
    double rest = 0.0 - times * ln2_low;
    double r = left + rest;
    double lost = (left - r) + rest;
    double one = 1.0 + r;
    lost += (1.0 - one) + r;
    double series = r * factors[0];
    for (int i = 1; i < 11; i++)
        series = (series + factors[i]) * r;
    series += 0.5;
    lost += r * r * series;
    int64_t whole, half, low_bits, high_bits;
    double low, high;
    memcpy(&whole, &shifted, 8); /* its last bits are the exponent */
    whole -= rounding_bits;
    half = (int64_t)((uint64_t)(whole + 4096) >> 1) - 2048;
    low_bits = (half + 1023) << 52;
    high_bits = (whole - half + 1023) << 52;
    memcpy(&low, &low_bits, 8);
    memcpy(&high, &high_bits, 8);
    return (one + lost) * low * high;
}

void exponentials(int64_t count, double *numbers)
{
    for (int64_t i = 0; i < count; i++)
        numbers[i] = exponential(numbers[i]);
}

void exponents(int64_t nets, const int32_t *start, const int32_t *node, const double *x,
               double gamma, double *up, double *down)
{
    for (int64_t n = 0; n < nets; n++) {
        double high = x[node[start[n]]], low = high;
        for (int32_t p = start[n] + 1; p < start[n + 1]; p++) {
            double at = x[node[p]];
            high = most(high, at);
            low = least(low, at);
        }
        for (int32_t p = start[n]; p < start[n + 1]; p++) {
            double at = x[node[p]];
            up[p] = (at - high) / gamma;
            down[p] = (low - at) / gamma;
        }
    }
}

void wire_gradient(int64_t nets, const int32_t *start, const int32_t *node, const double *x,
                   double gamma, const double *up, const double *down, double *gradient)
{
    for (int64_t n = 0; n < nets; n++) {
        double high = x[node[start[n]]], low = high;
        for (int32_t p = start[n] + 1; p < start[n + 1]; p++) {
            double at = x[node[p]];
            high = most(high, at);
            low = least(low, at);
        }
        double up_sum = 0, down_sum = 0, up_mean = 0, down_mean = 0;
        for (int32_t p = start[n]; p < start[n + 1]; p++) {
            double at = x[node[p]];
            up_sum += up[p];
            up_mean += up[p] * (at - high);
            down_sum += down[p];
            down_mean += down[p] * (at - low);
        }
        up_mean /= up_sum;
        down_mean /= down_sum;
        for (int32_t p = start[n]; p < start[n + 1]; p++) {
            double at = x[node[p]];
            double pull = (up[p] * (1.0 + ((at - high) - up_mean) / gamma)) / up_sum;
            pull -= (down[p] * (1.0 - ((at - low) - down_mean) / gamma)) / down_sum;
            gradient[node[p]] += pull;
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

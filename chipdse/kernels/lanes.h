/* What the replays share: words of 512 lanes, and the type of a cell's function. */
#ifndef LANES_H
#define LANES_H
#include <stdint.h>
#include <string.h>
#ifdef __AVX512VPOPCNTDQ__
#include <immintrin.h>
#endif

/* 512 lanes. A slot is `stride` words: the steps of a block, 8 words each. */
typedef uint64_t v8 __attribute__((vector_size(64), aligned(64), may_alias));

static inline v8 ones_in(v8 x)
{
#ifdef __AVX512VPOPCNTDQ__
    return (v8)_mm512_popcnt_epi64((__m512i)x);
#else /* sums of neighbouring bits, pairs, nibbles and so on: compilers keep whole vectors */
    x -= (x >> 1) & 0x5555555555555555;
    x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0F;
    x += x >> 8;
    x += x >> 16;
    return (x + (x >> 32)) & 0x7F;
#endif
}

static inline uint64_t sum(v8 x) { return x[0] + x[1] + x[2] + x[3] + x[4] + x[5] + x[6] + x[7]; }

typedef void operation(v8 *values, int64_t stride, int64_t at, int64_t steps, int64_t count,
                       const int32_t *reads, int64_t first, uint64_t *counters, uint64_t *sets);
#endif

/* The loop of the zero-delay replay around the functions of its cells. */
#include "lanes.h"
#ifdef __AVX512F__
#include <immintrin.h>
#endif

typedef struct {
    operation *function;
    int64_t count, first; /* operations, and the slot of the first */
    const int32_t *reads; /* slots */
    uint64_t *sets;       /* counts of input sets, or NULL */
} run_t;

typedef struct {
    int32_t next_state, recorded, captures, unsure;
} check_t;

/* Eight times 64 x 64 bits: bit i of word j becomes bit j of word i. */
static void transpose(v8 *a)
{
    uint64_t mask = 0x00000000FFFFFFFFull;
    for (int j = 32; j; j >>= 1, mask ^= mask << j)
        for (int k = 0; k < 64; k = (k + j + 1) & ~j) {
            v8 t = ((a[k] >> j) ^ a[k + j]) & mask;
            a[k] ^= t << j;
            a[k + j] ^= t;
        }
}

static inline v8 words_at(v8 address)
{
#ifdef __AVX512F__
    return (v8)_mm512_i64gather_epi64((__m512i)address, 0, 1);
#else
    v8 r;
    for (int i = 0; i < 8; i++) {
        uint64_t word;
        memcpy(&word, (const void *)address[i], sizeof word);
        r[i] = word;
    }
    return r;
#endif
}

static inline v8 half_words_at(v8 address)
{
    v8 r;
    for (int i = 0; i < 8; i++)
        r[i] = *(const uint32_t *)address[i];
    return r;
}

/* Rows of a recording into the slots of their bits. Behind the last row it repeats. */
static void load(v8 *values, int64_t stride, int64_t at, const uint32_t *rows, int64_t row_words,
                 int64_t step, int64_t steps, int64_t length, int64_t last)
{
    v8 row[64], tile[64]; /* address of the row in lane 64 * group + i: row[i][group] */
    for (int64_t s = 0; s < steps; s++) {
        for (int64_t i = 0; i < 64; i++)
            for (int64_t group = 0; group < 8; group++) {
                int64_t number = (64 * group + i) * length + step + s;
                row[i][group] = (uint64_t)(rows + (number < last ? number : last) * row_words);
            }
        for (int64_t w = 0; w < row_words; w += 2) {
            const int two = w + 1 < row_words;
            for (int64_t i = 0; i < 64; i++)
                tile[i] = two ? words_at(row[i] + 4 * w) : half_words_at(row[i] + 4 * w);
            transpose(tile);
            v8 *to = values + w * 32 * stride + at + s;
            for (int64_t b = 0; b < (two ? 64 : 32); b++)
                to[b * stride] = tile[b];
        }
    }
}

static int any(v8 x)
{
#ifdef __AVX512F__
    return _mm512_test_epi64_mask((__m512i)x, (__m512i)x) != 0;
#else
    return (x[0] | x[1] | x[2] | x[3] | x[4] | x[5] | x[6] | x[7]) != 0;
#endif
}

/* Lanes in which a step is a transition, not padding. */
static v8 real_lanes(int64_t step, int64_t length, int64_t last)
{
    int64_t lanes = step > last ? 0 : (last - step) / length + 1;
    v8 mask;
    for (int i = 0; i < 8; i++) {
        int64_t n = lanes - 64 * i;
        mask[i] = n >= 64 ? ~0ull : n <= 0 ? 0 : (1ull << n) - 1;
    }
    return mask;
}

static int note(v8 bad, int64_t step, int64_t *bad_step, v8 *bad_lanes)
{
    if (!any(bad))
        return 0;
    if (*bad_step < 0) {
        *bad_step = step;
        *bad_lanes = bad;
    }
    return 1;
}

/* What registers become against what their data said a step earlier; outputs against recorded. */
static int compare(const v8 *values, int64_t stride, int64_t at, int64_t step, int64_t steps,
                   int64_t length, int64_t last, const check_t *checks, int64_t check_count,
                   const int32_t *outputs, int64_t output_count, v8 *kept, int64_t *bad_step,
                   v8 *bad_lanes)
{
    int failed = 0;
    for (int64_t c = 0; c < check_count; c++) {
        const check_t k = checks[c];
        const int edge = k.captures < -1;
        const v8 *next = values + k.next_state * stride + at;
        const v8 *recorded = values + k.recorded * stride + at;
        const v8 *clock =
            k.captures == -1 ? 0 : values + (edge ? -2 - k.captures : k.captures) * stride + at;
        const v8 *unsure = k.unsure == -1 ? 0 : values + k.unsure * stride + at;
        v8 *old = kept + 4 * c;
        for (int64_t s = 0; s < steps; s++) {
            v8 bad = old[0] ^ recorded[s];
            if (clock) {
                v8 rises = old[2];
                if (edge)
                    rises = ~rises & clock[s];
                bad = (bad & rises) | ((old[1] ^ recorded[s]) & ~rises);
                old[2] = clock[s];
            }
            if (unsure) {
                bad &= ~(old[3] | unsure[s]);
                old[3] = unsure[s];
            }
            old[0] = next[s];
            old[1] = recorded[s];
            if (step + s && any(bad))
                failed |= note(bad & real_lanes(step + s, length, last), step + s, bad_step + c,
                               bad_lanes + c);
        }
    }
    for (int64_t o = 0; o < output_count; o++) {
        const v8 *net = values + outputs[2 * o] * stride + at;
        const v8 *recorded = values + outputs[2 * o + 1] * stride + at;
        for (int64_t s = 0; s < steps; s++)
            failed |= note(net[s] ^ recorded[s], step + s, bad_step + check_count + o,
                           bad_lanes + check_count + o);
    }
    return failed;
}

/* Replay a window of `last` transitions; the rows begin with the first. 1 if a check failed.
 *
 * Step 0 is the state before the first transition of each lane: it lies where the step before a
 * block does, at the end of the slot.
 */
int replay(v8 *values, int64_t slots, int64_t base, int64_t stride, const uint32_t *rows,
           int64_t row_words, int64_t length, int64_t last, const run_t *runs, int64_t run_count,
           uint64_t *counters, const check_t *checks, int64_t check_count, const int32_t *outputs,
           int64_t output_count, v8 *kept, int64_t *bad_step, v8 *bad_lanes, uint8_t *first_bits,
           uint8_t *last_bits)
{
    int failed = 0;
    int64_t step = 0, steps = 1, at = stride - 1;
    for (int64_t s = 0; s < stride; s++)
        values[(base - 1) * stride + s] = ~(v8){0};
    for (;;) {
        load(values, stride, at, rows, row_words, step, steps, length, last);
        uint64_t *counted = step ? counters : 0;
        for (int64_t r = 0; r < run_count; r++)
            runs[r].function(values, stride, at, steps, runs[r].count, runs[r].reads, runs[r].first,
                             counted, runs[r].sets);
        if (counted)
            for (int64_t i = 0; i < base; i++) {
                v8 total = {0};
                for (int64_t s = 0; s < steps; s++)
                    total += ones_in(values[i * stride + s]);
                counters[i] += sum(total) << 32;
            }
        failed |= compare(values, stride, at, step, steps, length, last, checks, check_count,
                          outputs, output_count, kept, bad_step, bad_lanes);
        if (!step)
            for (int64_t i = 0; i < slots; i++)
                first_bits[i] = values[i * stride + at][0] & 1;
        step += steps;
        if (step > length || failed)
            break;
        at = 0;
        steps = length + 1 - step < stride ? length + 1 - step : stride;
    }
    for (int64_t i = 0; i < slots; i++)
        last_bits[i] = values[i * stride + at + steps - 1][7] >> 63;
    return failed;
}

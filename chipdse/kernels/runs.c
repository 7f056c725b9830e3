/* Independent runs of a netlist in the lanes of words, and the weighted changes of every run.
 *
 * A slot is `words` words of 512 lanes. Two buffers of all slots take turns: the values of the step
 * before, and those of this step.
 */
#include "lanes.h"

enum { BLOCK = 128, PLANES = 62 }; /* items per block, and bits of a sum */

typedef struct {
    operation *function;
    int64_t count, first; /* operations, and the slot of the first */
    const int32_t *reads; /* slots */
} run_t;

typedef struct {
    int32_t next_state, recorded, captures, unsure; /* slots; below 0: always, never */
} flip_flop_t;

typedef struct {
    int64_t slots, base, words, run_count, input_count, register_count;
    const run_t *runs;
    const int32_t *inputs; /* slots whose values are given in every step */
    const flip_flop_t *registers;
} netlist_t;

/* Items of group g are in blocks block_start[g] to block_start[g + 1], each of at most BLOCK items:
 * item_start[b] on. The items of block b whose weight has bit p are
 * list[list_start[b * bits + p]] on, as positions in the block. */
typedef struct {
    int64_t groups, bits;
    const int64_t *block_start, *item_start, *list_start;
    const int32_t *slot;    /* of each item */
    const uint64_t *change; /* of each item: all ones, or 0 for its value in the step before */
    const uint8_t *list;
} weights_t;

/* Half a word of lanes: what registers without AVX-512 hold. */
typedef uint64_t v4 __attribute__((vector_size(32), aligned(32), may_alias));

static int any(v8 x)
{
    return (x[0] | x[1] | x[2] | x[3] | x[4] | x[5] | x[6] | x[7]) != 0;
}

/* Adds the items of a block, each with its weight, to sums whose bit p is in plane p. Bits of one
 * weight are added in pairs; every pair leaves a carry of twice the weight. */
static void add_block(v4 *restrict planes, const v4 *restrict item, const uint8_t *restrict list,
                      const int64_t *restrict start, int64_t bits)
{
    v4 carries[2][BLOCK + 1];
    int64_t carry_count = 0;
    for (int64_t p = 0; p < PLANES && (p < bits || carry_count); p++) {
        const v4 *in = carries[p & 1];
        v4 *out = carries[~p & 1], total = planes[p];
        int64_t i = p < bits ? start[p] : 0, end = p < bits ? start[p + 1] : 0, j = 0, given = 0;
        while (i + 1 < end || j + 1 < carry_count || i < end || j < carry_count) {
            v4 x, y = {0};
            if (i + 1 < end) {
                x = item[list[i]];
                y = item[list[i + 1]];
                i += 2;
            } else if (i < end) {
                x = item[list[i++]];
                if (j < carry_count)
                    y = in[j++];
            } else {
                x = in[j++];
                if (j < carry_count)
                    y = in[j++];
            }
            v4 differ = x ^ y;
            out[given++] = (x & y) | (total & differ);
            total ^= differ;
        }
        planes[p] = total;
        carry_count = given;
    }
}

/* The sums of a group in 256 lanes. Each slot has `stride` halves of words. */
static void add_group(const weights_t *w, int64_t group, const v4 *old, const v4 *now,
                      int64_t stride, uint64_t *sums)
{
    v4 planes[PLANES] = {{0}}, item[BLOCK];
    for (int64_t b = w->block_start[group]; b < w->block_start[group + 1]; b++) {
        const int64_t first = w->item_start[b], count = w->item_start[b + 1] - first;
        for (int64_t i = 0; i < count; i++) {
            const int64_t at = w->slot[first + i] * stride;
            item[i] = old[at] ^ (now[at] & w->change[first + i]);
        }
        add_block(planes, item, w->list, w->list_start + b * w->bits, w->bits);
    }
    int64_t used = PLANES;
    while (used && !(planes[used - 1][0] | planes[used - 1][1] | planes[used - 1][2] |
                     planes[used - 1][3]))
        used--;
    for (int64_t k = 0; k < 64; k++) {
        v4 lane = {0};
        for (int64_t p = 0; p < used; p++)
            lane |= ((planes[p] >> k) & 1) << p;
        for (int64_t i = 0; i < 4; i++)
            sums[64 * i + k] = lane[i];
    }
}

/* Changes of some slots, in the lanes of a mask and in the others. */
static void count_changes(const v8 *old, const v8 *now, int64_t words, const int32_t *probes,
                          int64_t probe_count, const v8 *mask, int64_t *counts)
{
    for (int64_t i = 0; i < probe_count; i++) {
        v8 inside = {0}, outside = {0};
        for (int64_t k = 0; k < words; k++) {
            v8 change = old[probes[i] * words + k] ^ now[probes[i] * words + k];
            inside += ones_in(change & *mask);
            outside += ones_in(change & ~*mask);
        }
        counts[2 * i] += sum(inside);
        counts[2 * i + 1] += sum(outside);
    }
}

static void settle(const netlist_t *n, v8 *now)
{
    for (int64_t k = 0; k < n->words; k++) {
        now[(n->base - 2) * n->words + k] = (v8){0};
        now[(n->base - 1) * n->words + k] = ~(v8){0};
    }
    for (int64_t r = 0; r < n->run_count; r++)
        n->runs[r].function(now, n->words, 0, n->words, n->runs[r].count, n->runs[r].reads,
                            n->runs[r].first, 0, 0);
}

/* Every register after the edge that follows the step before. */
static void capture(const netlist_t *n, const v8 *old, v8 *now)
{
    for (int64_t r = 0; r < n->register_count; r++) {
        const flip_flop_t k = n->registers[r];
        for (int64_t i = 0; i < n->words; i++) {
            v8 next = old[k.next_state * n->words + i];
            if (k.captures >= 0) {
                v8 edge = old[k.captures * n->words + i];
                next = (next & edge) | (old[k.recorded * n->words + i] & ~edge);
            }
            now[k.recorded * n->words + i] = next;
        }
    }
}

/* The first register that is set or reset in the middle of a step; -1 if there is none. */
static int64_t first_unsure(const netlist_t *n, const v8 *now)
{
    for (int64_t r = 0; r < n->register_count; r++)
        if (n->registers[r].unsure >= 0)
            for (int64_t i = 0; i < n->words; i++)
                if (any(now[n->registers[r].unsure * n->words + i]))
                    return r;
    return -1;
}

/* Take all lanes through some steps. `values` holds two buffers; `current` is the one with the
 * values of the step before. With `begins` the registers are in their slots already and nothing is
 * counted. Sums are [steps, groups, lanes]; counts [steps, probes, 2]; watched values [steps,
 * watched, words]. Returns the steps done; fewer than all if a register is unsure. */
int64_t advance(const netlist_t *n, const weights_t *w, v8 *values, int64_t current, int64_t begins,
                int64_t steps, const v8 *sources, uint64_t *sums, const int32_t *probes,
                int64_t probe_count, const v8 *mask, int64_t *counts, const int32_t *watched,
                int64_t watched_count, v8 *seen, int64_t *unsure)
{
    const int64_t lanes = 512 * n->words;
    for (int64_t s = 0; s < steps; s++) {
        const v8 *old = values + current * n->slots * n->words;
        v8 *now = values + !current * n->slots * n->words;
        if (!begins)
            capture(n, old, now);
        for (int64_t i = 0; i < n->input_count; i++)
            memcpy(now + n->inputs[i] * n->words, sources + (s * n->input_count + i) * n->words,
                   n->words * sizeof *now);
        settle(n, now);
        *unsure = first_unsure(n, now);
        if (*unsure >= 0)
            return s;
        current = !current;
        if (begins)
            continue;
        for (int64_t g = 0; g < w->groups; g++)
            for (int64_t k = 0; k < 2 * n->words; k++)
                add_group(w, g, (const v4 *)old + k, (const v4 *)now + k, 2 * n->words,
                          sums + (s * w->groups + g) * lanes + 256 * k);
        count_changes(old, now, n->words, probes, probe_count, mask, counts + 2 * s * probe_count);
        for (int64_t i = 0; i < watched_count; i++)
            memcpy(seen + (s * watched_count + i) * n->words, now + watched[i] * n->words,
                   n->words * sizeof *now);
    }
    return steps;
}

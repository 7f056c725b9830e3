/* The replay with delays: one pass over the cells, each with its list of pending changes. */
#include "lanes.h"
#include <stdlib.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif
typedef struct {
    int32_t *time; /* bins after the clock's edge */
    v8 *mask;      /* lanes that toggle */
    int64_t used, room;
} arena_t;

typedef struct {
    int64_t operations, sources, nets;
    const int32_t *output, *function, *program_start, *pin_start, *pin_net, *pin_shift;
    const uint8_t *program;
    const int32_t *entry_start, *entry_key, *fallback_key;
    const uint8_t *entry_pin, *entry_edge;
    const uint16_t *entry_care, *entry_value;
    const int32_t *source, *source_time;
} plan_t;

enum { INVERT = 32, BOTH, EITHER, DIFFER, ZERO, ONE };
enum { MAX_INPUTS = 12, PENDING = 4096, NO_MEMORY = 1, TOO_MANY = 2 };

void *timed_open(void) { return calloc(1, sizeof(arena_t)); }

void timed_close(arena_t *arena)
{
    free(arena->time);
    free(arena->mask);
    free(arena);
}

static inline int any_lane(v8 x)
{
#ifdef __AVX512F__
    return _mm512_test_epi64_mask((__m512i)x, (__m512i)x) != 0;
#else
    return (x[0] | x[1] | x[2] | x[3] | x[4] | x[5] | x[6] | x[7]) != 0;
#endif
}

static int grow(arena_t *arena)
{
    int64_t room = arena->room ? 2 * arena->room : 1 << 16;
    int32_t *time = realloc(arena->time, room * sizeof *time);
    if (time)
        arena->time = time;
    v8 *mask = aligned_alloc(64, room * sizeof *mask);
    if (!time || !mask) {
        free(mask);
        return 0;
    }
    if (arena->used)
        memcpy(mask, arena->mask, arena->used * sizeof *mask);
    free(arena->mask);
    arena->mask = mask;
    arena->room = room;
    return 1;
}

/* Append a change of a net; changes at one time in different lanes are one. */
static inline int append(arena_t *arena, int64_t first, int32_t time, v8 mask, v8 *total)
{
    int64_t last = arena->used - 1;
    *total += ones_in(mask);
    if (last >= first && arena->time[last] == time && !any_lane(arena->mask[last] & mask)) {
        arena->mask[last] |= mask;
        return 1;
    }
    if (arena->used == arena->room && !grow(arena))
        return 0;
    arena->time[arena->used] = time;
    arena->mask[arena->used++] = mask;
    return 1;
}

static inline v8 value_of(const uint8_t *code, const uint8_t *end, const v8 *input)
{
    v8 stack[MAX_INPUTS + 2];
    int top = -1;
    for (; code < end; code++)
        switch (*code) {
        case INVERT: stack[top] = ~stack[top]; break;
        case BOTH:
            top--;
            stack[top] &= stack[top + 1];
            break;
        case EITHER:
            top--;
            stack[top] |= stack[top + 1];
            break;
        case DIFFER:
            top--;
            stack[top] ^= stack[top + 1];
            break;
        case ZERO: stack[++top] = (v8){0}; break;
        case ONE: stack[++top] = ~(v8){0}; break;
        default: stack[++top] = input[*code];
        }
    return stack[0];
}

/* Replay one cycle in each lane. `value` holds each net's settled value before the edge, and after
 * the call the value it settles at; `goal` the sources' values after the edge. `counts` gains the
 * changes of each net, lanes in groups of 64; `latest` is when each net last moved. */
int timed_replay(const plan_t *p, arena_t *arena, v8 *value, const v8 *goal, uint64_t *counts,
                 int32_t *latest, int64_t *begin, int64_t *end)
{
    int32_t key[PENDING];
    v8 lanes[PENDING];
    v8 *count = (v8 *)counts;
    arena->used = 0;
    for (int64_t n = 0; n < p->nets; n++)
        begin[n] = end[n] = 0;
    for (int64_t s = 0; s < p->sources; s++) {
        int64_t net = p->source[s];
        v8 moves = value[net] ^ goal[s];
        begin[net] = arena->used;
        for (int edge = p->source_time[2 * s] > p->source_time[2 * s + 1], i = 0; i < 2;
             i++, edge = !edge) {
            v8 now = moves & (edge ? value[net] : ~value[net]);
            int32_t time = p->source_time[2 * s + edge];
            if (any_lane(now)) {
                if (!append(arena, begin[net], time, now, count + net))
                    return NO_MEMORY;
                if (time > latest[net])
                    latest[net] = time;
            }
        }
        value[net] = goal[s];
        end[net] = arena->used;
    }
    for (int64_t o = 0; o < p->operations; o++) {
        const int64_t first = p->pin_start[o], pins = p->pin_start[o + 1] - first;
        const int32_t *net = p->pin_net + first, *shift = p->pin_shift + first;
        const uint8_t *code = p->program + p->program_start[p->function[o]];
        const uint8_t *code_end = p->program + p->program_start[p->function[o] + 1];
        const int64_t entry_first = p->entry_start[o], entry_last = p->entry_start[o + 1];
        const int64_t out = p->output[o], own = arena->used;
        int64_t at[MAX_INPUTS], stop[MAX_INPUTS];
        v8 now[MAX_INPUTS], moved[MAX_INPUTS], total = {0};
        int pending = 0, active = 0;
        begin[out] = end[out] = own;
        for (int64_t i = 0; i < pins; i++) {
            if (net[i] < 2) { /* a constant, or open */
                now[i] = net[i] == 1 ? ~(v8){0} : (v8){0};
                at[i] = stop[i] = 0;
                continue;
            }
            at[i] = begin[net[i]];
            stop[i] = end[net[i]];
            now[i] = value[net[i]];
            for (int64_t e = at[i]; e < stop[i]; e++) /* back to before the edge */
                now[i] ^= arena->mask[e];
            active |= at[i] < stop[i];
        }
        if (!active)
            continue;
        v8 aim = value[out], shown = aim; /* what the inputs ask for, and the output's value */
        for (;;) {
            int32_t time = INT32_MAX;
            for (int64_t i = 0; i < pins; i++)
                if (at[i] < stop[i] && arena->time[at[i]] + shift[i] < time)
                    time = arena->time[at[i]] + shift[i];
            int done = 0;
            const int32_t until = time == INT32_MAX ? INT32_MAX : 2 * time;
            while (done < pending && key[done] <= until) {
                v8 moves = lanes[done] & (aim ^ shown);
                if (any_lane(moves) && !append(arena, own, key[done] >> 1, moves, &total))
                    return NO_MEMORY;
                shown ^= moves;
                done++;
            }
            if (done) {
                pending -= done;
                memmove(key, key + done, pending * sizeof *key);
                memmove(lanes, lanes + done, pending * sizeof *lanes);
            }
            if (time == INT32_MAX)
                break;
            uint32_t which = 0;
            for (int64_t i = 0; i < pins; i++)
                if (at[i] < stop[i] && arena->time[at[i]] + shift[i] == time) {
                    moved[i] = arena->mask[at[i]++];
                    now[i] ^= moved[i];
                    which |= 1u << i;
                }
            v8 target = value_of(code, code_end, now);
            v8 change = target ^ aim;
            if (!any_lane(change))
                continue;
            aim = target;
            for (int64_t e = entry_first; e <= entry_last + 1; e++) {
                v8 chosen;
                int32_t due;
                if (e < entry_last) {
                    const int pin = p->entry_pin[e];
                    if (!(which >> pin & 1))
                        continue;
                    chosen = change & moved[pin] & (p->entry_edge[e] ? ~target : target);
                    for (uint32_t care = p->entry_care[e]; care; care &= care - 1) {
                        const int i = __builtin_ctz(care);
                        chosen &= p->entry_value[e] >> i & 1 ? now[i] : ~now[i];
                    }
                    due = p->entry_key[e];
                } else { /* what no delay covers takes the longest */
                    chosen = change & (e == entry_last ? target : ~target);
                    due = p->fallback_key[2 * o + (e - entry_last)];
                }
                if (!any_lane(chosen))
                    continue;
                change &= ~chosen;
                due += 2 * time;
                int place = pending;
                while (place && key[place - 1] > due)
                    place--;
                if (place && key[place - 1] == due)
                    lanes[place - 1] |= chosen;
                else {
                    if (pending == PENDING)
                        return TOO_MANY;
                    memmove(key + place + 1, key + place, (pending - place) * sizeof *key);
                    memmove(lanes + place + 1, lanes + place, (pending - place) * sizeof *lanes);
                    key[place] = due;
                    lanes[place] = chosen;
                    pending++;
                }
                if (!any_lane(change))
                    break;
            }
        }
        value[out] = aim;
        end[out] = arena->used;
        count[out] += total;
        if (arena->used > own && arena->time[arena->used - 1] > latest[out])
            latest[out] = arena->time[arena->used - 1];
    }
    return 0;
}

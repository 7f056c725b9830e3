/* Sorts 64 words of a generator of pseudorandom numbers, in place, by recursion. */
#include <stdint.h>

enum { WORDS = 64 };
uint32_t result[WORDS];

static void sort(uint32_t *first, uint32_t *last) {
  while (first < last) {
    uint32_t pivot = first[(last - first) / 2], *low = first, *high = last;
    while (low <= high) {
      while (*low < pivot)
        low++;
      while (*high > pivot)
        high--;
      if (low <= high) {
        uint32_t word = *low;
        *low++ = *high;
        *high-- = word;
      }
    }
    sort(first, high);
    first = low;
  }
}

int main(void) {
  uint32_t word = 2463534242u; /* xorshift32 of G. Marsaglia, "Xorshift RNGs", 2003 */
  for (int n = 0; n < WORDS; n++) {
    word ^= word << 13;
    word ^= word >> 17;
    word ^= word << 5;
    result[n] = word;
  }
  sort(result, result + WORDS - 1);
  return 0;
}

/* A filter of 8 taps on 16 samples of a sawtooth; products come from the compiler's subroutine. */
#include <stdint.h>

enum { TAPS = 8, SAMPLES = 16 };
static const int16_t taps[TAPS] = {-5, 12, 70, 127, 127, 70, 12, -5};
int32_t result[SAMPLES];

int main(void) {
  int32_t line[TAPS] = {0};
  for (int n = 0; n < SAMPLES; n++) {
    int32_t sum = 0;
    for (int k = TAPS - 1; k > 0; k--) {
      line[k] = line[k - 1];
      sum += taps[k] * line[k];
    }
    line[0] = ((n * 37) & 255) - 128;
    result[n] = sum + taps[0] * line[0];
  }
  return 0;
}

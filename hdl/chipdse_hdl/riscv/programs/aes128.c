/* AES-128 of the block of FIPS 197, appendix B; the S-box is computed first, `result` is the block. */
#include <stdint.h>

static const uint8_t key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
uint8_t result[16] = {0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d,
                      0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34};
static uint8_t sbox[256];

static uint8_t doubled(uint8_t a) { return a << 1 ^ (a >> 7 ? 0x1b : 0); }

static uint8_t turned(uint8_t a, int places) { return a << places | a >> (8 - places); }

/* p runs through the powers of 3, q through those of its inverse. */
static void make_sbox(void) {
  uint8_t p = 1, q = 1;
  do {
    p ^= doubled(p);
    q ^= q << 1;
    q ^= q << 2;
    q ^= q << 4;
    if (q & 0x80)
      q ^= 0x09;
    sbox[p] = q ^ turned(q, 1) ^ turned(q, 2) ^ turned(q, 3) ^ turned(q, 4) ^ 0x63;
  } while (p != 1);
  sbox[0] = 0x63;
}

static void next_key(uint8_t *k, uint8_t constant) {
  for (int n = 0; n < 4; n++)
    k[n] ^= sbox[k[12 + ((n + 1) & 3)]];
  k[0] ^= constant;
  for (int n = 4; n < 16; n++)
    k[n] ^= k[n - 4];
}

static void substitute_and_shift(uint8_t *s) {
  uint8_t t[16];
  for (int n = 0; n < 16; n++)
    t[n] = sbox[s[(n + 4 * (n & 3)) & 15]];
  for (int n = 0; n < 16; n++)
    s[n] = t[n];
}

static void mix_column(uint8_t *s) {
  uint8_t all = s[0] ^ s[1] ^ s[2] ^ s[3], first = s[0];
  for (int n = 0; n < 4; n++) {
    uint8_t next = n < 3 ? s[n + 1] : first;
    s[n] ^= all ^ doubled(s[n] ^ next);
  }
}

int main(void) {
  uint8_t k[16], constant = 1;
  make_sbox();
  for (int n = 0; n < 16; n++) {
    k[n] = key[n];
    result[n] ^= k[n];
  }
  for (int round = 1; round <= 10; round++) {
    substitute_and_shift(result);
    if (round < 10)
      for (int n = 0; n < 16; n += 4)
        mix_column(result + n);
    next_key(k, constant);
    constant = doubled(constant);
    for (int n = 0; n < 16; n++)
      result[n] ^= k[n];
  }
  return 0;
}

/*
 * common/crc32c.c - CRC-32C by the processor's instruction, three streams at once, or by tables.
 * The instruction has a latency of three cycles and a throughput of one: three independent streams
 * keep it busy; their sums are joined by multiplying with x^(8n) modulo the polynomial.
 */
#include "common/crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define CRC_POLYNOMIAL UINT32_C(0x82f63b78) /* bit-reversed 0x1EDC6F41 */
#define CRC_LONG 4096                       /* bytes of one of the three streams */
#define CRC_SHORT 256

static uint32_t crc_table[8][256];
static uint32_t crc_shift_long[4][256]; /* crc of CRC_LONG zero bytes after a crc, by its bytes */
static uint32_t crc_shift_short[4][256];
static bool crc_has_instruction;
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

/* a * b modulo the polynomial; bit 31 is x^0 in this reflected form. */
static uint32_t crc_multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (uint32_t bit = UINT32_C(1) << 31; bit != 0; bit >>= 1) {
        if ((a & bit) != 0) {
            product ^= b;
        }
        b = (b & 1) != 0 ? (b >> 1) ^ CRC_POLYNOMIAL : b >> 1;
    }
    return product;
}

static void crc_init_shift(uint32_t table[4][256], unsigned bytes)
{
    uint32_t power = UINT32_C(1) << 31; /* x^0 */
    for (unsigned i = 0; i < bytes * 8; i++) {
        power = (power & 1) != 0 ? (power >> 1) ^ CRC_POLYNOMIAL : power >> 1;
    }
    for (unsigned k = 0; k < 4; k++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            table[k][byte] = crc_multiply(power, byte << (8 * k));
        }
    }
}

static void crc_init(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? (crc >> 1) ^ CRC_POLYNOMIAL : crc >> 1;
        }
        crc_table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        for (int k = 1; k < 8; k++) {
            uint32_t before = crc_table[k - 1][byte];
            crc_table[k][byte] = (before >> 8) ^ crc_table[0][before & 0xFF];
        }
    }
    crc_init_shift(crc_shift_long, CRC_LONG);
    crc_init_shift(crc_shift_short, CRC_SHORT);
#if defined(__x86_64__)
    __builtin_cpu_init();
    crc_has_instruction = __builtin_cpu_supports("sse4.2");
#endif
}

static uint32_t crc_by_table(uint32_t crc, const unsigned char *p, size_t length)
{
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        word ^= crc;
        crc = crc_table[7][word & 0xFF] ^ crc_table[6][(word >> 8) & 0xFF] ^
              crc_table[5][(word >> 16) & 0xFF] ^ crc_table[4][(word >> 24) & 0xFF] ^
              crc_table[3][(word >> 32) & 0xFF] ^ crc_table[2][(word >> 40) & 0xFF] ^
              crc_table[1][(word >> 48) & 0xFF] ^ crc_table[0][word >> 56];
        p += 8;
        length -= 8;
    }
    while (length-- > 0) {
        crc = (crc >> 8) ^ crc_table[0][(crc ^ *p++) & 0xFF];
    }
    return crc;
}

#if defined(__x86_64__)
static uint32_t crc_shift(uint32_t table[4][256], uint32_t crc)
{
    return table[0][crc & 0xFF] ^ table[1][(crc >> 8) & 0xFF] ^ table[2][(crc >> 16) & 0xFF] ^
           table[3][crc >> 24];
}

__attribute__((target("sse4.2"))) static uint32_t crc_three_streams(uint32_t crc,
                                                                    const unsigned char *p,
                                                                    size_t bytes,
                                                                    uint32_t shift[4][256])
{
    uint64_t a = crc;
    uint64_t b = 0;
    uint64_t c = 0;

    for (const unsigned char *end = p + bytes; p < end; p += 8) {
        uint64_t words[3];
        memcpy(&words[0], p, 8);
        memcpy(&words[1], p + bytes, 8);
        memcpy(&words[2], p + 2 * bytes, 8);
        a = __builtin_ia32_crc32di(a, words[0]);
        b = __builtin_ia32_crc32di(b, words[1]);
        c = __builtin_ia32_crc32di(c, words[2]);
    }
    crc = crc_shift(shift, (uint32_t)a) ^ (uint32_t)b;
    return crc_shift(shift, crc) ^ (uint32_t)c;
}

__attribute__((target("sse4.2"))) static uint32_t crc_by_instruction(uint32_t crc,
                                                                     const unsigned char *p,
                                                                     size_t length)
{
    while (length >= (size_t)3 * CRC_LONG) {
        crc = crc_three_streams(crc, p, CRC_LONG, crc_shift_long);
        p += (size_t)3 * CRC_LONG;
        length -= (size_t)3 * CRC_LONG;
    }
    while (length >= (size_t)3 * CRC_SHORT) {
        crc = crc_three_streams(crc, p, CRC_SHORT, crc_shift_short);
        p += (size_t)3 * CRC_SHORT;
        length -= (size_t)3 * CRC_SHORT;
    }
    uint64_t wide = crc;
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        wide = __builtin_ia32_crc32di(wide, word);
        p += 8;
        length -= 8;
    }
    crc = (uint32_t)wide;
    while (length-- > 0) {
        crc = __builtin_ia32_crc32qi(crc, *p++);
    }
    return crc;
}
#endif

uint32_t mr_crc32c_portable(uint32_t crc, const void *data, size_t length)
{
    pthread_once(&crc_once, crc_init);
    return ~crc_by_table(~crc, data, length);
}

uint32_t mr_crc32c(uint32_t crc, const void *data, size_t length)
{
    pthread_once(&crc_once, crc_init);
#if defined(__x86_64__)
    if (crc_has_instruction) {
        return ~crc_by_instruction(~crc, data, length);
    }
#endif
    return ~crc_by_table(~crc, data, length);
}

/*
 * storage/codecs/scan.c - the scans, and the choice between them.
 * Must not know types or columns.
 */
#include "storage/codecs/scan.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

/* Bit i: the parity of bits 0..i, so that all between an odd and the next even quote are set. */
static inline uint64_t scan_prefix_xor(uint64_t bits)
{
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    return bits ^ bits << 32;
}

/* Bytes that a backslash before them escapes (a backslash that is escaped itself escapes
 * nothing). */
static inline uint64_t scan_escaped(uint64_t slashes, uint64_t *carry)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    slashes &= ~*carry;
    uint64_t follows = slashes << 1 | *carry;
    uint64_t odd_starts = slashes & ~even & ~follows;
    uint64_t sequences;
    *carry = __builtin_add_overflow(odd_starts, slashes, &sequences);
    return (even ^ (sequences << 1)) & follows;
}

/* Of no bits: anything, without being undefined. */
static inline uint32_t scan_lowest(uint64_t bits)
{
    return (uint32_t)__builtin_ctzll(bits | UINT64_C(1) << 63);
}

static inline uint64_t sse2_mask(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return (uint64_t)(uint32_t)_mm_movemask_epi8(a) |
           (uint64_t)(uint32_t)_mm_movemask_epi8(b) << 16 |
           (uint64_t)(uint32_t)_mm_movemask_epi8(c) << 32 |
           (uint64_t)(uint32_t)_mm_movemask_epi8(d) << 48;
}

typedef struct Block128 {
    __m128i part[4];
} Block128;

static inline Block128 sse2_load(const char *p)
{
    const __m128i *from = (const __m128i *)(const void *)p;
    return (Block128){ { _mm_loadu_si128(from), _mm_loadu_si128(from + 1),
                         _mm_loadu_si128(from + 2), _mm_loadu_si128(from + 3) } };
}

static inline uint64_t sse2_equal(Block128 block, char byte)
{
    __m128i wanted = _mm_set1_epi8(byte);
    return sse2_mask(_mm_cmpeq_epi8(block.part[0], wanted), _mm_cmpeq_epi8(block.part[1], wanted),
                     _mm_cmpeq_epi8(block.part[2], wanted), _mm_cmpeq_epi8(block.part[3], wanted));
}

/* NUL and all above ASCII are the bytes that are below 1 as signed numbers. */
static inline uint64_t sse2_high(Block128 block)
{
    __m128i one = _mm_set1_epi8(1);
    return sse2_mask(_mm_cmplt_epi8(block.part[0], one), _mm_cmplt_epi8(block.part[1], one),
                     _mm_cmplt_epi8(block.part[2], one), _mm_cmplt_epi8(block.part[3], one));
}

#define SCAN_NAME scan_sse2
#define SCAN_ROWS_NAME scan_rows_sse2
#define SCAN_TARGET
#define SCAN_BLOCK Block128
#define SCAN_LOAD(p) sse2_load(p)
#define SCAN_EQUAL(block, byte) sse2_equal(block, byte)
#define SCAN_HIGH(block) sse2_high(block)
#include "storage/codecs/scan_template.h"

#define TARGET_AVX2 __attribute__((target("avx2,bmi,popcnt")))

typedef struct Block256 {
    __m256i low, high;
} Block256;

TARGET_AVX2 static inline Block256 avx2_load(const char *p)
{
    return (Block256){ _mm256_loadu_si256((const __m256i *)(const void *)p),
                       _mm256_loadu_si256((const __m256i *)(const void *)(p + 32)) };
}

TARGET_AVX2 static inline uint64_t avx2_mask(__m256i low, __m256i high)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

TARGET_AVX2 static inline uint64_t avx2_equal(Block256 block, char byte)
{
    __m256i wanted = _mm256_set1_epi8(byte);
    return avx2_mask(_mm256_cmpeq_epi8(block.low, wanted), _mm256_cmpeq_epi8(block.high, wanted));
}

TARGET_AVX2 static inline uint64_t avx2_high(Block256 block)
{
    __m256i one = _mm256_set1_epi8(1);
    return avx2_mask(_mm256_cmpgt_epi8(one, block.low), _mm256_cmpgt_epi8(one, block.high));
}

#define SCAN_NAME scan_avx2
#define SCAN_ROWS_NAME scan_rows_avx2
#define SCAN_TARGET TARGET_AVX2
#define SCAN_BLOCK Block256
#define SCAN_LOAD(p) avx2_load(p)
#define SCAN_EQUAL(block, byte) avx2_equal(block, byte)
#define SCAN_HIGH(block) avx2_high(block)
#include "storage/codecs/scan_template.h"

#define SCAN_NAME scan_avx512
#define SCAN_ROWS_NAME scan_rows_avx512
#define SCAN_TARGET __attribute__((target("avx512f,avx512bw,bmi,popcnt")))
#define SCAN_BLOCK __m512i
#define SCAN_LOAD(p) _mm512_loadu_si512(p)
#define SCAN_EQUAL(block, byte) _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(byte))
#define SCAN_HIGH(block) _mm512_cmplt_epi8_mask(block, _mm512_set1_epi8(1))
#include "storage/codecs/scan_template.h"

typedef void ScanFunction(MrScan *, const MrDialect *, const char *, size_t);

static ScanFunction *scan_choose(void)
{
    if (__builtin_cpu_supports("avx512bw")) {
        return scan_avx512;
    }
    return __builtin_cpu_supports("avx2") ? scan_avx2 : scan_sse2;
}

typedef void RowScanFunction(MrRowScan *, const MrDialect *, const char *, size_t);

static RowScanFunction *row_scan_choose(void)
{
    if (__builtin_cpu_supports("avx512bw")) {
        return scan_rows_avx512;
    }
    return __builtin_cpu_supports("avx2") ? scan_rows_avx2 : scan_rows_sse2;
}

/* The masks know one character that opens, closes and escapes. */
static bool dialect_fits_masks(const MrDialect *dialect)
{
    return !dialect->is_csv || dialect->quote == dialect->escape;
}
#endif

static void scan_reset(MrScan *scan)
{
    scan->end_count = 0;
    scan->row_count = 0;
    scan->saw_special = false;
    scan->saw_high = false;
    scan->saw_stray = false;
    scan->saw_marker = false;
}

void mr_scan(MrScan *scan, const MrDialect *dialect, const char *data, size_t length)
{
#if defined(__x86_64__)
    if (dialect_fits_masks(dialect)) {
        scan_reset(scan);
        scan_choose()(scan, dialect, data, length);
        return;
    }
#endif
    mr_scan_bytes(scan, dialect, data, length);
}

/* What a byte outside quotes and escapes is. */
typedef enum ByteRole { BYTE_PLAIN, BYTE_FIELD, BYTE_ROW, BYTE_STRAY } ByteRole;

static ByteRole byte_role(const MrDialect *dialect, const char *data, size_t length, size_t at)
{
    char c = data[at];
    if (c == dialect->delimiter) {
        return BYTE_FIELD;
    }
    if (c == '\n') {
        if (dialect->line_end == MR_LINE_CRNL) {
            return at > 0 && data[at - 1] == '\r' ? BYTE_ROW : BYTE_STRAY;
        }
        return dialect->line_end == MR_LINE_CR ? BYTE_STRAY : BYTE_ROW;
    }
    if (c == '\r') {
        if (dialect->line_end == MR_LINE_CRNL) {
            /* At the end of the bytes it may be a line end yet. */
            return at + 1 == length || data[at + 1] == '\n' ? BYTE_PLAIN : BYTE_STRAY;
        }
        return dialect->line_end == MR_LINE_CR ? BYTE_ROW : BYTE_STRAY;
    }
    return BYTE_PLAIN;
}

/* One byte through the state of quotes; true when it is inside of them, or one itself. */
static bool quote_step(const MrDialect *dialect, char c, bool *in_quote, bool *escaped)
{
    bool was_inside = *in_quote;
    if (dialect->quote == dialect->escape) {
        *in_quote ^= c == dialect->quote;
        return was_inside || c == dialect->quote;
    }
    if (*in_quote && c == dialect->escape) {
        *escaped = !*escaped;
    }
    if (c == dialect->quote && !*escaped) {
        *in_quote = !*in_quote;
    }
    if (c != dialect->escape) {
        *escaped = false;
    }
    return was_inside || c == dialect->quote;
}

void mr_scan_bytes(MrScan *scan, const MrDialect *dialect, const char *data, size_t length)
{
    bool in_quote = false;
    bool escaped = false;
    scan_reset(scan);
    for (size_t at = 0; at < length && scan->end_count <= scan->end_room; at++) {
        char c = data[at];
        scan->saw_high |= (signed char)c < 1;
        if (dialect->is_csv) {
            scan->saw_special |= c == dialect->quote;
            if (quote_step(dialect, c, &in_quote, &escaped)) {
                continue;
            }
        } else if (escaped) {
            escaped = false;
            scan->saw_special |= c == '\\';
            if (c == '.') {
                scan->saw_marker = true;
                scan->marker_at = (uint32_t)at - 1;
                return;
            }
            continue;
        } else if (c == '\\') {
            scan->saw_special = true;
            escaped = true;
            continue;
        }
        ByteRole role = byte_role(dialect, data, length, at);
        if (role == BYTE_STRAY) {
            scan->saw_stray = true;
            scan->stray_at = (uint32_t)at;
            return;
        }
        if (role == BYTE_ROW) {
            scan->row_ends[scan->row_count++] = scan->end_count;
        }
        if (role != BYTE_PLAIN) {
            scan->ends[scan->end_count++] = (uint32_t)at;
        }
    }
}

void mr_scan_rows(MrRowScan *scan, const MrDialect *dialect, const char *data, size_t length)
{
#if defined(__x86_64__)
    if (dialect_fits_masks(dialect)) {
        row_scan_choose()(scan, dialect, data, length);
        return;
    }
#endif
    mr_scan_rows_bytes(scan, dialect, data, length);
}

void mr_scan_rows_bytes(MrRowScan *scan, const MrDialect *dialect, const char *data, size_t length)
{
    const char row_end = dialect->line_end == MR_LINE_CR ? '\r' : '\n';
    const char line_end = dialect->line_end == MR_LINE_NL ? '\n' : '\r';
    for (size_t at = 0; at < length; at++) {
        char c = data[at];
        if (dialect->is_csv && quote_step(dialect, c, &scan->in_quote, &scan->escaped)) {
            scan->lines += c == line_end;
        } else if (c == row_end) {
            scan->lines++;
            scan->end = scan->seen + at + 1;
            scan->end_lines = scan->lines;
        }
    }
    scan->seen += length;
}

static bool row_ends_here(MrRowEnd *state, MrDialect *dialect, char c)
{
    if (c == '\n') {
        if (dialect->line_end == MR_LINE_UNKNOWN) {
            dialect->line_end = state->after_cr ? MR_LINE_CRNL : MR_LINE_NL;
        }
        return dialect->line_end != MR_LINE_CR;
    }
    if (c == '\r') {
        /* Of the first row the next byte says which kind it is. */
        state->after_cr = dialect->line_end == MR_LINE_UNKNOWN;
        return dialect->line_end == MR_LINE_CR;
    }
    return false;
}

size_t mr_row_end_find(MrRowEnd *state, MrDialect *dialect, const char *data, size_t length,
                       bool *found)
{
    *found = true;
    for (size_t at = 0; at < length; at++) {
        char c = data[at];
        if (state->after_cr && c != '\n') {
            dialect->line_end = MR_LINE_CR;
            return at;
        }
        if (dialect->is_csv) {
            if (quote_step(dialect, c, &state->in_quote, &state->escaped)) {
                continue;
            }
        } else if (state->escaped || c == '\\') {
            state->escaped = !state->escaped;
            continue;
        }
        if (row_ends_here(state, dialect, c)) {
            return at + 1;
        }
    }
    *found = false;
    return length;
}

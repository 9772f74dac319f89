/*
 * bench/bids.c - writes Nexmark-like bids of about 100 bytes from a fixed seed, as CSV or as the tuples
 * of PostgreSQL's binary COPY (without its header and trailer).  Event time rises by 5 us a row and
 * is up to a second out of order, which a watermark of four seconds covers.
 * Usage: bids ROWS csv|binary KEYS FILE
 */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROW_BYTES_MAX = 256,
    BUFFER_BYTES = 1 << 20,
    US_PER_ROW = 5,
    DISORDER_US = 1000000,
    SECONDS_PER_DAY = 86400,
};
/* Text shows 2026-01-01 plus the time of day; binary counts from 2000-01-01. */
static const int64_t start_us = INT64_C(820540800) * 1000000;
static const char *const channels[] = { "Google", "Facebook", "Baidu", "Apple" };
static const char url_start[] = "https://www.nexmark.com/item.htm?query=";

typedef struct Bid {
    uint32_t auction, bidder, price, item;
    const char *channel;
    int64_t at_us; /* since the start */
} Bid;

/* splitmix64: the whole state is one counter, so a row is a function of its number. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(((random_next(state) >> 32) * limit) >> 32);
}

static Bid bid_make(uint64_t row, uint32_t keys, uint64_t *random)
{
    Bid bid = { .auction = 1000 + random_below(random, keys),
                .bidder = 1000 + random_below(random, 1000000),
                .price = random_below(random, 10000000),
                .item = random_below(random, 1000000),
                .channel = channels[random_below(random, 4)] };
    int64_t at_us = (int64_t)(row * US_PER_ROW) - random_below(random, DISORDER_US);
    bid.at_us = at_us < 0 ? 0 : at_us;
    return bid;
}

/* ---- text ---------------------------------------------------------------------------------- */

static char *put_number(char *out, uint32_t value)
{
    char digits[10];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0) {
        *out++ = digits[--count];
    }
    return out;
}

static char *put_padded(char *out, uint32_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + width;
}

static char *put_text(char *out, const char *text)
{
    size_t length = strlen(text);
    memcpy(out, text, length);
    return out + length;
}

static char *put_csv(char *out, const Bid *bid)
{
    uint32_t second = (uint32_t)(bid->at_us / 1000000);
    out = put_number(out, bid->auction);
    *out++ = ',';
    out = put_number(out, bid->bidder);
    *out++ = ',';
    out = put_number(out, bid->price);
    *out++ = ',';
    out = put_text(out, bid->channel);
    *out++ = ',';
    out = put_text(out, url_start);
    out = put_number(out, bid->item);
    out = put_text(out, ",2026-01-01 ");
    out = put_padded(out, second / 3600, 2);
    *out++ = ':';
    out = put_padded(out, second / 60 % 60, 2);
    *out++ = ':';
    out = put_padded(out, second % 60, 2);
    *out++ = '.';
    out = put_padded(out, (uint32_t)(bid->at_us % 1000000), 6);
    *out++ = '\n';
    return out;
}

/* ---- binary -------------------------------------------------------------------------------- */

static char *put_binary_int64(char *out, int64_t value)
{
    uint32_t length = htobe32(8);
    uint64_t big = htobe64((uint64_t)value);
    memcpy(out, &length, 4);
    memcpy(out + 4, &big, 8);
    return out + 12;
}

static char *put_binary_text(char *out, const char *text, size_t length)
{
    uint32_t big = htobe32((uint32_t)length);
    memcpy(out, &big, 4);
    memcpy(out + 4, text, length);
    return out + 4 + length;
}

static char *put_binary(char *out, const Bid *bid)
{
    char url[sizeof url_start + 10];
    uint16_t fields = htobe16(6);
    char *end = put_number(put_text(url, url_start), bid->item);
    memcpy(out, &fields, 2);
    out = put_binary_int64(out + 2, bid->auction);
    out = put_binary_int64(out, bid->bidder);
    out = put_binary_int64(out, bid->price);
    out = put_binary_text(out, bid->channel, strlen(bid->channel));
    out = put_binary_text(out, url, (size_t)(end - url));
    return put_binary_int64(out, start_us + bid->at_us);
}

int main(int argc, char **argv)
{
    static char buffer[BUFFER_BYTES];
    if (argc != 5 || (strcmp(argv[2], "csv") != 0 && strcmp(argv[2], "binary") != 0)) {
        fprintf(stderr, "usage: bids ROWS csv|binary KEYS FILE\n");
        return 2;
    }
    uint64_t rows = strtoull(argv[1], NULL, 10);
    bool binary = strcmp(argv[2], "binary") == 0;
    uint32_t keys = (uint32_t)strtoul(argv[3], NULL, 10);
    if (rows == 0 || keys == 0 || rows > UINT64_C(1000000) * SECONDS_PER_DAY / US_PER_ROW) {
        fprintf(stderr, "bids: rows are 1 to a day's, keys at least 1\n");
        return 2;
    }
    FILE *file = fopen(argv[4], "wb");
    if (file == NULL) {
        fprintf(stderr, "bids: %s: %s\n", argv[4], strerror(errno));
        return 1;
    }
    uint64_t random = 42;
    char *out = buffer;
    for (uint64_t row = 0; row < rows; row++) {
        Bid bid = bid_make(row, keys, &random);
        out = binary ? put_binary(out, &bid) : put_csv(out, &bid);
        if (out > buffer + BUFFER_BYTES - ROW_BYTES_MAX) {
            fwrite(buffer, 1, (size_t)(out - buffer), file);
            out = buffer;
        }
    }
    fwrite(buffer, 1, (size_t)(out - buffer), file);
    if (ferror(file) || fclose(file) != 0) {
        fprintf(stderr, "bids: cannot write %s: %s\n", argv[4], strerror(errno));
        return 1;
    }
    return 0;
}

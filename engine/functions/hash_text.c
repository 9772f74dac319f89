/*
 * engine/functions/hash_text.c - hashtext() and its form with a seed, by which applications turn
 * names into numbers for advisory locks and shares: the values are PostgreSQL's, which hashes the
 * bytes with the "lookup3" of Bob Jenkins (burtleburtle.net/bob/c/lookup3.c, public domain), 12 at
 * a time, read as little-endian words.
 */
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

typedef struct Words {
    uint32_t a, b, c;
} Words;

static uint32_t rotated(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static void mix(Words *w)
{
    w->a -= w->c, w->a ^= rotated(w->c, 4), w->c += w->b;
    w->b -= w->a, w->b ^= rotated(w->a, 6), w->a += w->c;
    w->c -= w->b, w->c ^= rotated(w->b, 8), w->b += w->a;
    w->a -= w->c, w->a ^= rotated(w->c, 16), w->c += w->b;
    w->b -= w->a, w->b ^= rotated(w->a, 19), w->a += w->c;
    w->c -= w->b, w->c ^= rotated(w->b, 4), w->b += w->a;
}

static void finish(Words *w)
{
    w->c ^= w->b, w->c -= rotated(w->b, 14);
    w->a ^= w->c, w->a -= rotated(w->c, 11);
    w->b ^= w->a, w->b -= rotated(w->a, 25);
    w->c ^= w->b, w->c -= rotated(w->b, 16);
    w->a ^= w->c, w->a -= rotated(w->c, 4);
    w->b ^= w->a, w->b -= rotated(w->a, 14);
    w->c ^= w->b, w->c -= rotated(w->b, 24);
}

/* Up to four bytes as the low ones of a word. */
static uint32_t word_at(const unsigned char *at, size_t bytes)
{
    uint32_t word = 0;
    for (size_t i = 0; i < bytes && i < 4; i++) {
        word |= (uint32_t)at[i] << (8 * i);
    }
    return word;
}

static uint64_t hash(MrString text, uint64_t seed)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t left = text.length;
    Words w;
    w.a = w.b = w.c = 0x9e3779b9U + (uint32_t)text.length + 3923095U;
    if (seed != 0) {
        w.a += (uint32_t)(seed >> 32);
        w.b += (uint32_t)seed;
        mix(&w);
    }
    for (; left >= 12; left -= 12, at += 12) {
        w.a += word_at(at, 4);
        w.b += word_at(at + 4, 4);
        w.c += word_at(at + 8, 4);
        mix(&w);
    }
    w.a += word_at(at, left);
    w.b += left > 4 ? word_at(at + 4, left - 4) : 0;
    w.c += left > 8 ? word_at(at + 8, left - 8) << 8 : 0; /* its lowest byte is the length's */
    finish(&w);
    return (uint64_t)w.b << 32 | w.c;
}

MR_KERNEL(hash_text)
{
    int32_t *results = out->data;
    (void)eval, (void)arg_count;
    MR_EACH_ROW(i)
    {
        results[i] = (int32_t)(uint32_t)hash(mr_arg_text(args[0], i), 0);
    }
    return MR_OK;
}

MR_KERNEL(hash_text_extended)
{
    int64_t *results = out->data;
    const int64_t *seeds = args[1]->data;
    (void)eval, (void)arg_count;
    MR_EACH_ROW(i)
    {
        results[i] = (int64_t)hash(mr_arg_text(args[0], i), (uint64_t)seeds[i]);
    }
    return MR_OK;
}

const MrFunction mr_functions_hash_text[] = {
    F1("hashtext", TEXT, INT32, hash_text, 0,
       "Hash of the text, the same number as in PostgreSQL: for advisory locks and shares.",
       "hashtext('edits')", "-1169265900"),
    F2("hashtextextended", TEXT, INT64, INT64, hash_text_extended, 0,
       "The same with a seed, in 64 bits.", "hashtextextended('edits', 7)", "8437050878072493778"),
};
MR_FAMILY_COUNT(hash_text);

/*
 * engine/key_batch.h - keys of rows in one encoded form: fixed width, comparable, hashed by vector.
 * Encoding once per block serves the partition between lanes and every table that is probed.
 * Must not know aggregates or windows.
 */
#ifndef MR_ENGINE_KEY_BATCH_H
#define MR_ENGINE_KEY_BATCH_H

#include "storage/block.h"

enum { MR_KEYS_MAX = 32 }; /* null bits of a key fit a uint32_t */

/* Integers, bools, dates and floats take 8 bytes (floats normalised: -0 is 0, one NaN), text its
 * view, the rest their width. */
typedef struct MrKeyLayout {
    uint32_t count;
    uint32_t bytes; /* of an encoded key; 0 without columns */
    MrTypeId types[MR_KEYS_MAX];
    uint16_t offsets[MR_KEYS_MAX];
    bool is_plain; /* keys are equal exactly when their bytes are */
    bool has_text;
} MrKeyLayout;

typedef struct MrKeyBatch {
    uint32_t rows;
    const char *keys;       /* rows × layout.bytes */
    const uint32_t *nulls;  /* bit c: column c is NULL (its bytes are zero); NULL: none is */
    const uint64_t *hashes; /* NULL: not made yet */
} MrKeyBatch;

/* MR_ERR_TOO_MANY_COLUMNS above MR_KEYS_MAX. */
MrStatus mr_key_layout_init(MrKeyLayout *layout, const MrTypeId *types, uint32_t count,
                            MrError *err);
/* Encodes and hashes all rows; columns must live as long as the batch (a single 8-byte key column
 * without nulls is used where it lies).  NULLs are equal to each other. */
MrStatus mr_key_batch_encode(const MrKeyLayout *layout, MrArena *arena,
                             const MrVector *const *columns, uint32_t rows, MrKeyBatch *out,
                             MrError *err);
/* The same without hashes, for who may not need them; and the hashes, where they are not there
 * yet. */
MrStatus mr_key_batch_encode_only(const MrKeyLayout *layout, MrArena *arena,
                                  const MrVector *const *columns, uint32_t rows, MrKeyBatch *out,
                                  MrError *err);
MrStatus mr_key_batch_complete(const MrKeyLayout *layout, MrArena *arena, MrKeyBatch *batch,
                               MrError *err);
/* One cell, not NULL, of column `column` into its place in an encoded key. */
void mr_key_encode_cell(const MrKeyLayout *layout, uint32_t column, const void *cell, char *key);
uint64_t mr_key_hash(const MrKeyLayout *layout, const char *key, uint32_t nulls);
/* The same of many keys, one after the other (`nulls` NULL: none has any). */
void mr_key_batch_hash(const MrKeyLayout *layout, const char *keys, const uint32_t *nulls,
                       uint32_t rows, uint64_t *hashes);
bool mr_key_equal_slow(const MrKeyLayout *layout, const char *a, const char *b);
static inline bool mr_key_equal(const MrKeyLayout *layout, const char *a, const char *b)
{
    /* A key without columns has no bytes, and pointers to nothing. */
    return layout->bytes == 0 || memcmp(a, b, layout->bytes) == 0 ||
           (!layout->is_plain && mr_key_equal_slow(layout, a, b));
}
/* Writes the cell of column `column` as a vector of its type has it. */
void mr_key_cell(const MrKeyLayout *layout, const char *key, uint32_t column, void *cell);

#endif

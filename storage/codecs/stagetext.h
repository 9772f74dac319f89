/*
 * storage/codecs/stagetext.h - text to cells of a stage, some words at a time: what the kernels of
 * all formats share.  Private to codecs/.
 */
#ifndef MR_STORAGE_CODECS_STAGETEXT_H
#define MR_STORAGE_CODECS_STAGETEXT_H

#include "storage/codecs/decoder.h"

/* The view of at most 12 bytes of which 16 may be read. */
static inline MrText mr_text_inline(const char *data, size_t length)
{
    MrText text = { .length = (uint32_t)length };
    uint64_t low;
    uint32_t high;
    memcpy(&low, data, 8);
    memcpy(&high, data + 8, 4);
    uint64_t low_mask = length >= 8 ? ~UINT64_C(0) : (UINT64_C(1) << (8 * length)) - 1;
    uint32_t high_mask = length <= 8 ? 0 : (uint32_t)((UINT64_C(1) << (8 * (length - 8))) - 1);
    low &= low_mask;
    high &= high_mask;
    memcpy((char *)&text + 4, &low, 8);
    memcpy((char *)&text + 12, &high, 4);
    return text;
}

enum { MR_TEXT_COPY_BYTES = 32 };

/* Copies by 32 bytes; what is too much is overwritten by the column's next text. */
static inline const char *mr_text_put(MrStage *stage, uint32_t target, const char *data,
                                      size_t length, const char *end)
{
    MrStageHeap *heap = &stage->heaps[target];
    if (__builtin_expect(heap->next != NULL && length <= MR_TEXT_COPY_BYTES &&
                             heap->end - heap->next >= MR_TEXT_COPY_BYTES &&
                             end - data >= MR_TEXT_COPY_BYTES,
                         1)) {
        char *to = heap->next;
        memcpy(to, data, MR_TEXT_COPY_BYTES);
        heap->next += length;
        stage->text_bytes += length;
        return to;
    }
    char *to = mr_stage_text(stage, target, length);
    if (to != NULL) {
        memcpy(to, data, length);
    }
    return to;
}

/* The bytes as a text cell; they are UTF-8.  False: no memory. */
static inline bool mr_stage_put_text(MrStage *stage, uint32_t target, const char *data,
                                     size_t length, const char *end, MrText *cell)
{
    if (length <= MR_TEXT_INLINE_MAX) {
        *cell = __builtin_expect(end - data >= 12, 1) ? mr_text_inline(data, length)
                                                      : mr_text_make(data, (uint32_t)length);
        return true;
    }
    MrText text = { .length = (uint32_t)length };
    memcpy(text.prefix, data, 4);
    text.pointer = mr_text_put(stage, target, data, length, end);
    *cell = text;
    return text.pointer != NULL;
}

/* ASCII without NUL in all 8 bytes. */
static inline bool mr_word_is_plain(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    return ((word | (word - ones)) & (ones << 7)) == 0;
}

/* ASCII without NUL; false also where it would take too long to tell. */
static inline bool mr_text_is_plain(const char *data, size_t length, const char *end)
{
    uint64_t word;
    size_t at = 0;
    for (; at + 8 <= length; at += 8) {
        memcpy(&word, data + at, 8);
        if (!mr_word_is_plain(word)) {
            return false;
        }
    }
    size_t left = length - at;
    if (left == 0) {
        return true;
    }
    if (end - (data + at) < 8) {
        return false;
    }
    memcpy(&word, data + at, 8);
    const uint64_t kept = (UINT64_C(1) << (8 * left)) - 1;
    return mr_word_is_plain((word & kept) | (UINT64_C(0x6161616161616161) & ~kept));
}

#endif

/*
 * storage/codecs/jsonlines.h - the JSON reader for formats that come as JSON lines in the end: a
 * decoder with an owner's state beside it.  Private to codecs/.
 */
#ifndef MR_STORAGE_CODECS_JSONLINES_H
#define MR_STORAGE_CODECS_JSONLINES_H

#include "storage/codecs/decoder.h"

/* Takes `owner`, also on failure, to be freed by `owner_free`. */
MrStatus mr_json_lines_create(const MrCodecOptions *options, MrRejectFunction *reject,
                              void *context, void *owner, void (*owner_free)(void *owner),
                              MrDecoder **out, MrError *err);
void mr_json_lines_destroy(MrDecoder *decoder); /* accepts NULL */
void *mr_json_lines_owner(const MrDecoder *decoder);
/* One object of one line, without its end: a row, or a bad one. */
MrStatus mr_json_lines_read(MrDecoder *decoder, const char *data, size_t length, MrError *err);

#endif

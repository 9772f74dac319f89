/*
 * common/encoding.h - text between the encodings that PostgreSQL knows by name, by the C library's
 * iconv(3).  Must not know where the text comes from.
 */
#ifndef MR_COMMON_ENCODING_H
#define MR_COMMON_ENCODING_H

#include "common/text.h"

typedef struct MrEncoding {
    const char *name;    /* as messages have it */
    const char *aliases; /* without case and punctuation, each between blanks */
    const char *iconv;   /* NULL: bytes are passed as they are */
    bool is_wide;        /* characters of several bytes, not all of which are right */
    int group;           /* those of one group can be converted without UTF8; 0: none */
} MrEncoding;

/* By name or alias, without regard to case and punctuation; NULL: there is none of that name. */
const MrEncoding *mr_encoding_find(MrString name);
const MrEncoding *mr_encoding_utf8(void);
/* 42883. */
MrStatus mr_encoding_no_conversion(const MrEncoding *from, const MrEncoding *to, MrError *err);
/* 22021, with the byte there. */
MrStatus mr_encoding_invalid(const MrEncoding *encoding, MrString bytes, size_t at, MrError *err);

/* Text that comes in pieces, from one encoding to another; both have a name for iconv.  The caller
 * destroys it.  42883: the C library does not know the two. */
typedef struct MrTranscoder MrTranscoder;
MrStatus mr_transcoder_create(const MrEncoding *from, const MrEncoding *to, MrTranscoder **out,
                              MrError *err);
void mr_transcoder_destroy(MrTranscoder *transcoder); /* accepts NULL */
/* Appends what the bytes are; a character may be cut anywhere.  22021: they are none of the first
 * encoding, 22P05: the other has no such character. */
MrStatus mr_transcode(MrTranscoder *transcoder, MrString bytes, MrBuilder *out, MrError *err);
/* The end of the text: what waited for a character that could join it, and 22021 for one that is
 * cut short. */
MrStatus mr_transcode_end(MrTranscoder *transcoder, MrBuilder *out, MrError *err);

#endif

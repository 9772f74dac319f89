/*
 * server/copy_options.h - the options of COPY, checked as PostgreSQL checks them.
 */
#ifndef MR_SERVER_COPY_OPTIONS_H
#define MR_SERVER_COPY_OPTIONS_H

#include "common/encoding.h"
#include "server/statement.h"

typedef struct MrCopyOptions {
    const MrCodecClass *codec;
    MrCodecOptions values;  /* without columns */
    MrCodecColumn *columns; /* one per column of the COPY, with its force_… marks */
    bool has_on_error, ignores_errors;
    const MrEncoding *encoding; /* of the text; NULL: UTF-8 */
} MrCopyOptions;

/* `names`: the columns that the COPY has, in its order; `relation`: what they are of, borrowed, or
 * NULL where it is a query. */
MrStatus mr_copy_options(const MrAstCopy *ast, MrArena *arena, const MrRelation *relation,
                         const char *const *names, uint32_t count, MrCopyOptions *out,
                         MrError *err);

#endif

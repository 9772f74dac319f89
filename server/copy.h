/*
 * server/copy.h - what the parts of COPY share.
 */
#ifndef MR_SERVER_COPY_H
#define MR_SERVER_COPY_H

#include "server/copy_options.h"

/* A portal's `details` for COPY. */
typedef struct MrCopyPlan {
    const uint32_t *given; /* FROM: columns of the stream, in the order of the data */
    const char *const *names;
    const MrExpr *where;               /* FROM; NULL: all rows */
    const MrColumn *columns;           /* TO */
    const struct MrChangePlan *change; /* TO: INSERT, UPDATE or DELETE … RETURNING; NULL: none */
    uint32_t count;
    MrCopyOptions options;
} MrCopyPlan;

/* CopyInResponse ('G') or CopyOutResponse ('H'). */
void mr_copy_respond(MrSession *session, char type, const MrCopyPlan *plan);
MrStatus mr_copy_in_start(MrSession *session, MrPortal *portal, MrError *err);
MrStatus mr_copy_out_start(MrSession *session, MrPortal *portal, MrError *err);

#endif

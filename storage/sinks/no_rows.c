/*
 * storage/sinks/no_rows.c - see no_rows.h.
 */
#include "storage/sinks/no_rows.h"

static MrStatus refuse(const MrSink *sink, MrError *err)
{
    mr_error_set(err, MR_ERR_UNSUPPORTED, "%s", sink->sink_class->no_rows);
    return sink->sink_class->no_rows_hint == NULL
               ? err->status
               : mr_error_hint(err, "%s", sink->sink_class->no_rows_hint);
}

MrStatus mr_no_rows_check_options(const MrSinkOptions *options, MrError *err)
{
    (void)options, (void)err;
    return MR_OK; /* its sink says where the rows go */
}

bool mr_no_rows_is_connected(MrSink *sink)
{
    (void)sink;
    return true;
}

MrStatus mr_no_rows_swap(MrSink *sink, const uint8_t old_query[16], const MrSinkTable *old,
                         const MrSinkTable *fresh, bool is_trial, MrError *err)
{
    (void)old_query, (void)old, (void)fresh, (void)is_trial;
    return refuse(sink, err);
}

MrStatus mr_no_rows_rename(MrSink *sink, const uint8_t query[16], const MrSinkTable *table,
                           const char *new_name, bool is_trial, MrError *err)
{
    (void)sink, (void)query, (void)table, (void)new_name, (void)is_trial, (void)err;
    return MR_OK; /* nothing of that name is there */
}

MrStatus mr_no_rows_create_index(MrSink *sink, const MrSinkTable *table, const MrSinkIndex *index,
                                 bool may_exist, MrError *err)
{
    (void)table, (void)index, (void)may_exist;
    return refuse(sink, err);
}

MrStatus mr_no_rows_drop_index(MrSink *sink, const MrSinkTable *table, const MrSinkIndex *index,
                               MrError *err)
{
    (void)sink, (void)table, (void)index, (void)err;
    return MR_OK;
}

MrStatus mr_no_rows_scan(MrSink *sink, const MrSinkTable *table, MrArena *arena,
                         MrStatus (*each)(void *context, const MrBlock *block, MrError *err),
                         void *context, MrError *err)
{
    (void)table, (void)arena, (void)each, (void)context;
    return refuse(sink, err);
}

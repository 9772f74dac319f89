/*
 * storage/sinks/notify.c - rows that are told to whoever listens to a channel of the server
 * (NOTIFY), and kept nowhere.
 *
 * The progress is a line of a file of the data directory (progress_lines.h), on the disk before
 * anybody is told: after a crash no row is told twice.  Those of the commit that it cut off may
 * have been told to nobody, since whoever listened lost the connection with it.
 */
#include <stdlib.h>

#include "common/fault.h"
#include "storage/sinks/no_rows.h"
#include "storage/sinks/notify_rows.h"
#include "storage/sinks/progress_lines.h"

typedef struct NotifySink {
    MrSink base;
    MrProgressLines *lines;
    MrNotifyRows rows;
    MrSinkTell *tell; /* NULL: nobody is there to hear of it */
    void *tell_context;
} NotifySink;

static void notify_close(MrSink *base)
{
    NotifySink *sink = (NotifySink *)base;
    if (sink != NULL) {
        mr_progress_lines_close(sink->lines);
        mr_builder_fini(&sink->rows.texts);
        free(sink);
    }
}

static MrStatus notify_open(const MrSinkOptions *options, MrSink **out, MrError *err)
{
    NotifySink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) {
        return mr_error_no_memory(err);
    }
    sink->base.sink_class = &mr_sink_notify;
    sink->tell = options->tell;
    sink->tell_context = options->tell_context;
    mr_builder_init(&sink->rows.texts, 0);
    MrStatus status =
        options->read_only ? MR_OK : mr_progress_lines_open(options->location, &sink->lines, err);
    if (status != MR_OK) {
        notify_close(&sink->base);
        return status;
    }
    *out = &sink->base;
    return MR_OK;
}

static MrStatus notify_create(MrSink *base, const uint8_t query[16], const uint8_t nonce[16],
                              const MrSinkTable *table, MrError *err)
{
    (void)table;
    return mr_progress_lines_create(((NotifySink *)base)->lines, query, nonce, err);
}

static MrStatus notify_drop(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                            MrError *err)
{
    (void)table;
    return mr_progress_lines_drop(((NotifySink *)base)->lines, query, err);
}

static MrStatus notify_attach(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                              int64_t generation, const uint8_t nonce[16], MrProgress *out,
                              MrError *err)
{
    (void)table;
    return mr_progress_lines_attach(((NotifySink *)base)->lines, query, generation, nonce, out,
                                    err);
}

static MrStatus notify_resolve(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                               MrProgress *out, MrError *err)
{
    MrProgressLine *line;
    (void)table;
    MR_TRY(mr_progress_lines_find(((NotifySink *)base)->lines, query, &line, err));
    *out = line->progress;
    return MR_OK;
}

/* The line is on the disk, or as it was. */
static MrStatus write_progress(NotifySink *sink, MrProgressLine *line, const MrEpoch *epoch,
                               MrError *err)
{
    MrProgressLine before = *line;
    MrStatus status = mr_progress_line_advance(line, epoch, err);
    if (status == MR_OK) {
        status = mr_progress_lines_write(sink->lines, line, err);
    }
    if (status == MR_OK) {
        status = mr_progress_lines_sync(sink->lines, err);
    }
    if (status != MR_OK) {
        *line = before;
    }
    return status;
}

/* The outcome is always known: what fails has told nobody, and is done again. */
static MrStatus notify_commit_one(MrSink *base, const MrEpoch *epoch, bool *unknown, MrError *err)
{
    NotifySink *sink = (NotifySink *)base;
    MrProgressLine *line;
    (void)unknown;
    MR_TRY(mr_progress_lines_find(sink->lines, epoch->query, &line, err));
    MR_TRY(mr_sink_check_changes(epoch->table, &epoch->changes, err));
    mr_fault_point("target.before_cas");
    MR_TRY(mr_notify_rows(epoch, &sink->rows, err));
    mr_fault_point("target.before_commit");
    MR_TRY(write_progress(sink, line, epoch, err));
    mr_fault_point("target.commit_sent");
    if (sink->tell != NULL && sink->rows.texts.length > 0) {
        const MrSinkNews news = { .channel = epoch->table->channel,
                                  .texts = sink->rows.texts.data,
                                  .bytes = sink->rows.texts.length,
                                  .dropped = sink->rows.dropped };
        sink->tell(sink->tell_context, &news);
    }
    mr_fault_point("target.after_commit");
    return MR_OK;
}

static MrStatus notify_commit(MrSink *base, const MrEpoch *const *epochs, uint32_t count,
                              bool *unknown, int32_t *culprit, MrError *err)
{
    return mr_sink_commit_each(notify_commit_one, base, epochs, count, unknown, culprit, err);
}

const MrSinkClass mr_sink_notify = {
    .name = "notify",
    .no_rows = "rows that are notified are kept nowhere",
    .commits_alone = true,
    .check_options = mr_no_rows_check_options,
    .open = notify_open,
    .create_table = notify_create,
    .drop_table = notify_drop,
    .swap_table = mr_no_rows_swap,
    .rename_table = mr_no_rows_rename,
    .create_index = mr_no_rows_create_index,
    .drop_index = mr_no_rows_drop_index,
    .attach = notify_attach,
    .commit = notify_commit,
    .resolve = notify_resolve,
    .classify = mr_sink_classify,
    .is_connected = mr_no_rows_is_connected,
    .scan = mr_no_rows_scan,
    .close = notify_close,
};
